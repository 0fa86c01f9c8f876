"""The web pages: rendered here, without scripts first, under a policy that forbids every script but our one file.

`site` puts it together, `guard` stands before it, `desk` is what a page's functions work with. Each module of pages
exports `routes(desk)`. GET and HEAD change nothing anywhere; whatever changes something is a POST.
"""
