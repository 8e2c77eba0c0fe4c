/* A wall clock that somebody sets: loaded with LD_PRELOAD, it adds the seconds that stand in the file $CLOCK_AHEAD (one
 * int64, which may change at any time) to the time of day that a process reads. No other clock is touched, and who waits
 * for a time of day waits as long as it would by the real clock. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t ahead(void) {
    static const volatile int64_t *seconds = NULL;
    static const int64_t none = 0;
    if (seconds == NULL) {
        const char *name = getenv("CLOCK_AHEAD");
        int file = name == NULL ? -1 : open(name, O_RDONLY | O_CLOEXEC);
        void *page = file < 0 ? MAP_FAILED : mmap(NULL, sizeof *seconds, PROT_READ, MAP_SHARED, file, 0);
        if (file >= 0) close(file);
        seconds = page == MAP_FAILED ? &none : page;
    }
    return (time_t)*seconds;
}

int clock_gettime(clockid_t id, struct timespec *now) {
    int failed = (int)syscall(SYS_clock_gettime, id, now);
    if (!failed && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) now->tv_sec += ahead();
    return failed;
}

int gettimeofday(struct timeval *now, void *zone) {
    int failed = (int)syscall(SYS_gettimeofday, now, zone);
    if (!failed) now->tv_sec += ahead();
    return failed;
}

time_t time(time_t *into) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (into != NULL) *into = now.tv_sec;
    return now.tv_sec;
}

int timespec_get(struct timespec *now, int base) { return clock_gettime(CLOCK_REALTIME, now) == 0 ? base : 0; }

/* A deadline of more than 30 years is a time of day; one by the clock that no one sets is not. */
static struct timespec real(const struct timespec *deadline) {
    struct timespec at = *deadline;
    if (at.tv_sec > 1000000000) at.tv_sec -= ahead();
    return at;
}

#define REAL(name) ((__typeof__(&name))dlvsym(RTLD_NEXT, #name, "GLIBC_2.3.2") ?: (__typeof__(&name))dlsym(RTLD_NEXT, #name))

int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *deadline) {
    struct timespec at = real(deadline);
    return REAL(pthread_cond_timedwait)(condition, mutex, &at);
}

int pthread_mutex_timedlock(pthread_mutex_t *mutex, const struct timespec *deadline) {
    struct timespec at = real(deadline);
    return REAL(pthread_mutex_timedlock)(mutex, &at);
}

int sem_timedwait(sem_t *semaphore, const struct timespec *deadline) {
    struct timespec at = real(deadline);
    return REAL(sem_timedwait)(semaphore, &at);
}
