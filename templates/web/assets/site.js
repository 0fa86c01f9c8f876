"use strict";
// Makes pages quicker to use; each of them works without it. Nothing here acts for a reader: no form is ever sent by itself.
document.documentElement.classList.add("js");

const wait = (milliseconds, call) => {
  let timer;
  return () => { clearTimeout(timer); timer = setTimeout(call, milliseconds); };
};

// The zone of this machine, where the page has not been told one.
const zone = document.getElementById("zone");
if (zone && zone.value === "UTC" && !zone.dataset.chosen) {
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if ([...zone.options].some((option) => option.value === here)) zone.value = here;
}

// The digest beside the form, as somebody types: the newest question wins.
const form = document.querySelector("form[data-preview]");
const papers = document.getElementById("preview-papers");
if (form && papers) {
  const status = document.getElementById("preview-status");
  const title = document.getElementById("preview-title");
  let asking = null;
  let last = null;

  const fields = () => {
    const sent = new URLSearchParams();
    for (const [name, value] of new FormData(form)) {
      if (typeof value === "string" && !["email", "library", "stamp", "website"].includes(name)) sent.append(name, value);
    }
    return sent;
  };

  const show = async () => {
    const sent = fields();
    if (String(sent) === last) return;
    last = String(sent);
    if (asking) asking.abort();
    const mine = (asking = new AbortController());
    papers.classList.add("busy");
    try {
      const answer = await fetch(form.dataset.preview, { method: "POST", body: sent, signal: mine.signal });
      if (!answer.ok) throw new Error(String(answer.status));
      papers.innerHTML = await answer.text();
      const scale = papers.querySelector(".scale");
      if (scale) status.textContent = scale.textContent;
      if (title && title.dataset.yours === undefined) title.textContent = sent.get("topics") && sent.get("topics").trim() ? "Your digest today" : "What everybody likes today";
    } catch (error) {
      if (error.name === "AbortError") return;
      last = null;
      status.textContent = "The preview is not available at the moment.";
    }
    if (asking === mine) papers.classList.remove("busy");
  };

  const soon = wait(250, show);
  form.addEventListener("input", (event) => { if (!["email", "library"].includes(event.target.id)) soon(); });
  form.addEventListener("change", (event) => { if (!["email", "library", "library-file"].includes(event.target.id)) soon(); });

  // What is offered is added where it belongs, without a new page.
  const topics = document.getElementById("topics");
  const add = (word) => {
    const typed = topics.value.replace(/[\s,]+$/, "");
    topics.value = typed ? `${typed}, ${word}` : word;
    show();
  };
  papers.addEventListener("click", (event) => {
    const offer = event.target.closest("button.offer");
    if (!offer || !topics) return;
    event.preventDefault();
    add(offer.value);
    topics.focus();
  });
  form.addEventListener("change", (event) => {
    if (event.target.name !== "take" || !topics) return;
    event.stopPropagation();
    if (event.target.checked) add(event.target.value);
    event.target.closest("label").remove();
  });

  const file = document.getElementById("library-file");
  if (file) file.addEventListener("change", async () => {
    if (file.files[0]) document.getElementById("library").value = (await file.files[0].text()).slice(0, 400000);
    file.value = "";
  });
  if (topics && topics.value.trim() && !papers.querySelector(".counts")) show();
}

// Somebody who has changed settings and leaves without saving is asked.
const guarded = document.querySelector("form[data-guard]");
if (guarded) {
  let changed = false;
  guarded.addEventListener("input", () => { changed = true; });
  guarded.addEventListener("submit", () => { changed = false; });
  addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); });
}
