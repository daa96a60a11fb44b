// What every peer shares: its arguments, clocks, and the line it ends with (README.md).
#pragma once
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { STEADY_AFTER = 2 };

typedef struct {
  int sends, message, datagram, seconds, deadline, port;
  int64_t pace;
} plan;

typedef struct {
  uint64_t messages, bytes, steady_bytes, steady_messages, on_time, resent;
  double seconds;
} figures;

static inline uint64_t clock_ns(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline struct sockaddr_in loopback(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

static inline double seconds_of(struct rusage usage) {
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

// With the processor time of this process and of the children it has waited for.
static inline void report(const figures *it) {
  struct rusage own, children;
  getrusage(RUSAGE_SELF, &own);
  getrusage(RUSAGE_CHILDREN, &children);
  printf("messages=%llu bytes=%llu steady_bytes=%llu steady_messages=%llu on_time=%llu packets_lost=%llu seconds=%f "
         "cpu_seconds=%f\n",
         (unsigned long long)it->messages, (unsigned long long)it->bytes, (unsigned long long)it->steady_bytes,
         (unsigned long long)it->steady_messages, (unsigned long long)it->on_time, (unsigned long long)it->resent,
         it->seconds, seconds_of(own) + seconds_of(children));
  fflush(stdout);
}

static inline void announce(int port) {
  printf("%d\n", port);
  fflush(stdout);
}

static inline long number(int count, char **words, const char *name) {
  for (int index = 2; index + 1 < count; index++)
    if (strcmp(words[index], name) == 0) return strtol(words[index + 1], NULL, 10);
  return 0;
}

// 0: not what `stt bench` starts a peer with.
static inline int understand(int count, char **words, plan *plan) {
  if (count < 2 || (strcmp(words[1], "send") != 0 && strcmp(words[1], "receive") != 0)) {
    fprintf(stderr, "started by `stt bench`: see Benchmarks/peers/README.md\n");
    return 0;
  }
  plan->sends = strcmp(words[1], "send") == 0;
  plan->message = (int)number(count, words, "--message");
  plan->datagram = (int)number(count, words, "--datagram");
  plan->seconds = (int)number(count, words, "--seconds");
  plan->deadline = (int)number(count, words, "--deadline");
  plan->port = (int)number(count, words, "--port");
  plan->pace = number(count, words, "--pace");
  return plan->seconds > 0 && plan->message >= 16 && plan->datagram >= 100 && (plan->deadline <= 0 || plan->pace > 0);
}
