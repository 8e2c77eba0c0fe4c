/* A disk that fails: loaded with LD_PRELOAD, it lets writes below $DISK_AT fail while the file $DISK_FAULT exists, with
 * the error number that stands in it. What is mapped into memory is not seen. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int below(const char *path) {
    const char *at = getenv("DISK_AT");
    return at != NULL && path != NULL && strncmp(path, at, strlen(at)) == 0;
}

/* The error number, 0 while the disk is well. */
static int fault(void) {
    const char *name = getenv("DISK_FAULT");
    int number = 0;
    FILE *file = name == NULL ? NULL : fopen(name, "re");
    if (file == NULL) return 0;
    if (fscanf(file, "%d", &number) != 1) number = 0;
    fclose(file);
    return number;
}

static int fails(int fd) {
    char link[64], path[4096];
    const char *name = getenv("DISK_FAULT");
    int before = errno, number = 0;
    if (name != NULL && access(name, F_OK) == 0) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(link, path, sizeof path - 1);
        if (length > 0) {
            path[length] = 0;
            if (below(path)) number = fault();
        }
    }
    errno = number ? number : before;
    return number;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define FAILING(type, name, parameters, arguments) \
    type name parameters { \
        if (fails(fd)) return -1; \
        return REAL(name) arguments; \
    }

FAILING(ssize_t, write, (int fd, const void *data, size_t size), (fd, data, size))
FAILING(ssize_t, pwrite, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at))
FAILING(ssize_t, pwrite64, (int fd, const void *data, size_t size, off64_t at), (fd, data, size, at))
FAILING(int, fsync, (int fd), (fd))
FAILING(int, fdatasync, (int fd), (fd))
FAILING(int, ftruncate, (int fd, off_t size), (fd, size))
FAILING(int, ftruncate64, (int fd, off64_t size), (fd, size))

/* To open a file for writing fails on a read-only disk alone. */
#define OPENING(name) \
    int name(const char *path, int flags, ...) { \
        va_list more; \
        va_start(more, flags); \
        mode_t mode = va_arg(more, mode_t); \
        va_end(more); \
        if ((flags & O_ACCMODE) != O_RDONLY && below(path) && access(getenv("DISK_FAULT"), F_OK) == 0 && \
            fault() == EROFS) { \
            errno = EROFS; \
            return -1; \
        } \
        return REAL(name)(path, flags, mode); \
    }

OPENING(open)
OPENING(open64)
