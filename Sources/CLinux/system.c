#define _GNU_SOURCE
#include "CLinux.h"
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

static uint64_t clock_ns(clockid_t clock) {
  struct timespec now;
  if (clock_gettime(clock, &now) != 0) return 0;
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t clinux_monotonic_ns(void) { return clock_ns(CLOCK_MONOTONIC); }
uint64_t clinux_realtime_ns(void) { return clock_ns(CLOCK_REALTIME); }
uint64_t clinux_process_cpu_ns(void) { return clock_ns(CLOCK_PROCESS_CPUTIME_ID); }
uint64_t clinux_thread_cpu_ns(void) { return clock_ns(CLOCK_THREAD_CPUTIME_ID); }

int clinux_random(void *buffer, size_t count) {
  uint8_t *at = buffer;
  while (count > 0) {
    ssize_t got = getrandom(at, count, 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      return -errno;
    }
    at += got;
    count -= (size_t)got;
  }
  return 0;
}

int clinux_pin(int processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (processor < 0 || processor >= CPU_SETSIZE) return -EINVAL;
  CPU_SET(processor, &set);
  return sched_setaffinity(0, sizeof set, &set) != 0 ? -errno : 0;
}

int clinux_processor_count(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
  long online = sysconf(_SC_NPROCESSORS_ONLN); // more than a cpu_set_t holds
  return online > 0 && online < 1 << 20 ? (int)online : 1;
}

int clinux_has_aes(void) {
#if defined(__x86_64__)
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return 0;
  return (c & (1u << 25)) != 0 && (c & (1u << 1)) != 0; // AES-NI and PCLMULQDQ
#elif defined(__aarch64__)
  unsigned long caps = getauxval(AT_HWCAP);
  return (caps & (1ul << 3)) != 0 && (caps & (1ul << 4)) != 0; // HWCAP_AES and HWCAP_PMULL
#else
  return 0;
#endif
}

void clinux_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }
void clinux_timer_slack(unsigned long nanoseconds) { prctl(PR_SET_TIMERSLACK, nanoseconds); }

int clinux_spawn_close_from(posix_spawn_file_actions_t *actions, int first) {
  return posix_spawn_file_actions_addclosefrom_np(actions, first);
}

void clinux_reserve(int descriptor, uint64_t offset, uint64_t bytes) {
  int before = errno;
  (void)fallocate(descriptor, FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)bytes);
  errno = before;
}

void clinux_begin_sync(int descriptor, uint64_t offset, uint64_t bytes) {
  int before = errno;
  (void)sync_file_range(descriptor, (off_t)offset, (off_t)bytes, SYNC_FILE_RANGE_WRITE);
  errno = before;
}

int clinux_bypass_cache(int descriptor, int bypasses) {
  int flags = fcntl(descriptor, F_GETFL);
  if (flags < 0) return -errno;
  flags = bypasses ? flags | O_DIRECT : flags & ~O_DIRECT;
  return fcntl(descriptor, F_SETFL, flags) == 0 ? 0 : -errno;
}

int clinux_free_bytes(const char *path, uint64_t *bytes) {
  struct statvfs info;
  if (statvfs(path, &info) != 0) return -errno;
  *bytes = (uint64_t)info.f_bavail * info.f_frsize;
  return 0;
}

int clinux_eventfd(void) {
  int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return fd < 0 ? -errno : fd;
}

int clinux_eventfd_signal(int fd) { return eventfd_write(fd, 1) != 0 && errno != EAGAIN ? -errno : 0; }

int clinux_eventfd_clear(int fd) {
  eventfd_t value;
  return eventfd_read(fd, &value) != 0 && errno != EAGAIN ? -errno : 0;
}

int clinux_epoll_create(void) {
  int fd = epoll_create1(EPOLL_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

int clinux_epoll_control(int epoll, int operation, int fd, uint32_t events, uint64_t token) {
  struct epoll_event event = {.events = events, .data.u64 = token};
  return epoll_ctl(epoll, operation, fd, &event) != 0 ? -errno : 0;
}

int clinux_epoll_wait(int epoll, uint64_t *tokens, uint32_t *events, int capacity, uint64_t timeout_ns) {
  struct epoll_event ready[64];
  if (capacity > 64) capacity = 64;
  int count;
  if (timeout_ns == UINT64_MAX) {
    count = epoll_wait(epoll, ready, capacity, -1);
  } else {
    struct timespec timeout = {.tv_sec = (time_t)(timeout_ns / 1000000000u), .tv_nsec = (long)(timeout_ns % 1000000000u)};
    count = epoll_pwait2(epoll, ready, capacity, &timeout, NULL);
    if (count < 0 && errno == ENOSYS) // before Linux 5.11
      count = epoll_wait(epoll, ready, capacity, (int)(timeout_ns / 1000000u + (timeout_ns % 1000000u != 0)));
  }
  if (count < 0) return errno == EINTR ? 0 : -errno;
  for (int i = 0; i < count; i++) {
    tokens[i] = ready[i].data.u64;
    events[i] = ready[i].events;
  }
  return count;
}

int clinux_signalfd(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGHUP);
  signal(SIGPIPE, SIG_IGN);
  int failed = pthread_sigmask(SIG_BLOCK, &set, NULL);
  if (failed != 0) return -failed;
  int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  return fd < 0 ? -errno : fd;
}

int clinux_signalfd_read(int fd) {
  struct signalfd_siginfo info;
  ssize_t got = read(fd, &info, sizeof info);
  return got == (ssize_t)sizeof info ? (int)info.ssi_signo : 0;
}

static int unix_address(const char *path, struct sockaddr_un *address) {
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  if (strlen(path) >= sizeof address->sun_path) return -ENAMETOOLONG;
  strcpy(address->sun_path, path);
  return 0;
}

int clinux_unix_connect(const char *path) {
  struct sockaddr_un address;
  int failed = unix_address(path, &address);
  if (failed) return failed;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
    failed = -errno;
    close(fd);
    return failed;
  }
  return fd;
}

// A file that is no socket refuses connections too, and is not ours to remove.
static int is_socket(const char *path) {
  struct stat status;
  return lstat(path, &status) == 0 && S_ISSOCK(status.st_mode);
}

int clinux_unix_listen(const char *path) {
  struct sockaddr_un address;
  int failed = unix_address(path, &address);
  if (failed) return failed;
  // A socket nobody answers at is what a killed process left.
  int other = clinux_unix_connect(path);
  if (other >= 0) {
    close(other);
    return -EADDRINUSE;
  }
  if (other == -ECONNREFUSED && is_socket(path)) unlink(path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -errno;
  if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 16) != 0) {
    failed = -errno;
    close(fd);
    return failed;
  }
  return fd;
}

int clinux_unix_accept(int fd) {
  int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
  return client < 0 ? -errno : client;
}

static int release_pages(struct dl_phdr_info *object, size_t size, void *unused) {
  (void)size;
  (void)unused;
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  for (int index = 0; index < object->dlpi_phnum; index++) {
    const ElfW(Phdr) *segment = &object->dlpi_phdr[index];
    // What may be written has been: relocated addresses, for one.
    if (segment->p_type != PT_LOAD || segment->p_flags & PF_W) continue;
    uintptr_t start = (object->dlpi_addr + segment->p_vaddr + page - 1) & ~(page - 1);
    uintptr_t end = (object->dlpi_addr + segment->p_vaddr + segment->p_memsz) & ~(page - 1);
    if (end > start) madvise((void *)start, end - start, MADV_DONTNEED);
  }
  return 0;
}

void clinux_release_program_pages(void) {
  malloc_trim(0);
  dl_iterate_phdr(release_pages, NULL);
}
