/* A disk that fails, or that loses power: preloaded into a process, it stands before the calls that change files.

   Only files below one folder count. `disk_fail` lets the Nth call fail, once or from then on. `disk_cut` keeps what was
   written but not synced apart: a second folder holds what the disk itself would hold, and at the Nth call the power is
   cut: of what was not synced nothing, all, or any part reaches that folder, and the process dies.

   Names are durable at once; contents only when synced. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum { OFF, FAIL, CUT };
static int mode = OFF, error_number, for_ever;
static long calls, at;
static unsigned chance;
static char folder[2048], disk[2048];
static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;

struct change { struct change *next; char path[2048]; off_t offset; size_t size; int is_truncation; char *bytes; };
static struct change *first, **last = &first;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

void disk_fail(const char *below, long call, int number, int persistent) {
    snprintf(folder, sizeof folder, "%s/", below);
    mode = FAIL; calls = 0; at = call; error_number = number; for_ever = persistent;
}

void disk_cut(const char *below, const char *kept, long call, unsigned seed) {
    snprintf(folder, sizeof folder, "%s/", below);
    snprintf(disk, sizeof disk, "%s/", kept);
    mode = CUT; calls = 0; at = call; chance = seed;
}

long disk_calls(void) { return calls; }

/* Whether a path counts; then where it is on the disk itself. */
static int counts(const char *path, char *kept) {
    size_t size = strlen(folder);
    if (mode == OFF || strncmp(path, folder, size) != 0) return 0;
    snprintf(kept, 2048, "%.1000s%.1000s", disk, path + size);
    return 1;
}

static int counts_fd(int fd, char *kept) {
    char link[64], path[2048];
    if (mode == OFF) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size <= 0) return 0;
    path[size] = 0;
    return counts(path, kept);
}

static void apply(struct change *one, size_t size) {
    int fd = REAL(open)(one->path, O_WRONLY | O_CREAT, 0600);
    if (fd < 0) return;
    if (one->is_truncation) { if (REAL(ftruncate)(fd, one->offset)) abort(); }
    else if (REAL(pwrite)(fd, one->bytes, size, one->offset) != (ssize_t)size) abort();
    REAL(close)(fd);
}

static void cut(void) {
    unsigned kind = rand_r(&chance) % 3; /* of what was not synced: nothing, any part, or all but the end */
    for (struct change *one = first; kind && one; one = one->next) {
        size_t torn = one->size > 512 ? 512 * (rand_r(&chance) % (one->size / 512)) : 0;
        if (kind == 1 && rand_r(&chance) % 2) continue;
        apply(one, one->next ? one->size : torn);
    }
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

/* Before a call that counts: whether it fails. */
static int fails(void) {
    pthread_mutex_lock(&guard);
    calls++;
    if (mode == CUT && calls == at) cut();
    int failing = mode == FAIL && (calls == at || (for_ever && calls > at));
    pthread_mutex_unlock(&guard);
    if (failing) errno = error_number;
    return failing;
}

static void remember(const char *kept, const void *bytes, size_t size, off_t offset, int is_truncation) {
    if (mode != CUT) return;
    struct change *one = calloc(1, sizeof *one);
    strcpy(one->path, kept);
    one->offset = offset; one->size = size; one->is_truncation = is_truncation;
    if (size) { one->bytes = malloc(size); memcpy(one->bytes, bytes, size); }
    pthread_mutex_lock(&guard);
    *last = one; last = &one->next;
    pthread_mutex_unlock(&guard);
}

/* What waits for this file, onto the disk or into nothing. */
static void settle(const char *kept, int is_kept) {
    pthread_mutex_lock(&guard);
    for (struct change **here = &first; *here;) {
        struct change *one = *here;
        if (strcmp(one->path, kept) != 0) { here = &one->next; continue; }
        if (is_kept) apply(one, one->size);
        *here = one->next;
        free(one->bytes); free(one);
    }
    last = &first;
    while (*last) last = &(*last)->next;
    pthread_mutex_unlock(&guard);
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset) {
    char kept[2048];
    int mine = counts_fd(fd, kept);
    if (mine && fails()) return -1;
    ssize_t done = REAL(pwrite)(fd, bytes, size, offset);
    if (mine && done > 0) remember(kept, bytes, done, offset, 0);
    return done;
}
ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t offset) { return pwrite(fd, bytes, size, offset); }

ssize_t write(int fd, const void *bytes, size_t size) {
    char kept[2048];
    int mine = counts_fd(fd, kept);
    if (mine && fails()) return -1;
    ssize_t done = REAL(write)(fd, bytes, size);
    if (mine && done > 0) remember(kept, bytes, done, lseek(fd, 0, SEEK_CUR) - done, 0);
    return done;
}

int ftruncate(int fd, off_t size) {
    char kept[2048];
    int mine = counts_fd(fd, kept);
    if (mine && fails()) return -1;
    int done = REAL(ftruncate)(fd, size);
    if (mine && done == 0) remember(kept, NULL, 0, size, 1);
    return done;
}
int ftruncate64(int fd, off64_t size) { return ftruncate(fd, size); }

static int synced(int fd, int (*real)(int)) {
    char kept[2048];
    int mine = counts_fd(fd, kept);
    if (mine && fails()) return -1;
    int done = real(fd);
    if (mine && done == 0 && mode == CUT) settle(kept, 1);
    return done;
}
int fsync(int fd) { return synced(fd, REAL(fsync)); }
int fdatasync(int fd) { return synced(fd, REAL(fdatasync)); }

int unlink(const char *path) {
    char kept[2048];
    int mine = counts(path, kept);
    if (mine && fails()) return -1;
    int done = REAL(unlink)(path);
    if (mine && done == 0 && mode == CUT) { settle(kept, 0); REAL(unlink)(kept); }
    return done;
}

int rename(const char *from, const char *to) {
    char kept[2048], kept_to[2048];
    int mine = counts(from, kept) && counts(to, kept_to);
    if (mine && fails()) return -1;
    int done = REAL(rename)(from, to);
    if (mine && done == 0 && mode == CUT) {
        settle(kept_to, 0);
        REAL(rename)(kept, kept_to);
        pthread_mutex_lock(&guard);
        for (struct change *one = first; one; one = one->next)
            if (strcmp(one->path, kept) == 0) strcpy(one->path, kept_to);
        pthread_mutex_unlock(&guard);
    }
    return done;
}

static int opened(const char *path, int flags, mode_t rights) {
    char kept[2048];
    if ((flags & O_CREAT) && counts(path, kept) && access(path, F_OK) != 0) {
        if (fails()) return -1;
        if (mode == CUT) REAL(close)(REAL(open)(kept, O_WRONLY | O_CREAT, 0600));
    }
    return REAL(open)(path, flags, rights);
}
int open(const char *path, int flags, ...) {
    va_list more; va_start(more, flags);
    mode_t rights = flags & (O_CREAT | __O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    return opened(path, flags, rights);
}
int open64(const char *path, int flags, ...) {
    va_list more; va_start(more, flags);
    mode_t rights = flags & (O_CREAT | __O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    return opened(path, flags | O_LARGEFILE, rights);
}
