// MQTT over TLS 1.3 as a peer of `stt bench peers` (../README.md): libmosquitto at both ends and Debian's mosquitto as the
// broker between them, each message acknowledged (QoS 1). The receiving end starts the broker.
#include "../peer.h"
#include <mosquitto.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

// Bytes published and not yet acknowledged, and messages.
enum { DEPTH = 8 << 20, MOST = 64 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;
static uint64_t published, acknowledged;
static int connected, subscribed, over;
static figures it;
static uint64_t first, last;

static void fail(const char *what, int code) {
  fprintf(stderr, "%s: %s\n", what, mosquitto_strerror(code));
  exit(1);
}

static const char *beside(const char *program, const char *name) {
  static char paths[4][4096];
  static int next;
  char *path = paths[next++ % 4];
  const char *slash = strrchr(program, '/');
  snprintf(path, sizeof paths[0], "%.*s/%s", slash ? (int)(slash - program) : 1, slash ? program : ".", name);
  return path;
}

static void flag(int *what) {
  pthread_mutex_lock(&lock);
  *what = 1;
  pthread_cond_broadcast(&moved);
  pthread_mutex_unlock(&lock);
}

static void await(const int *what) {
  pthread_mutex_lock(&lock);
  while (!*what) pthread_cond_wait(&moved, &lock);
  pthread_mutex_unlock(&lock);
}

static void on_connect(struct mosquitto *client, void *context, int code) {
  (void)client, (void)context;
  if (code != 0) {
    fprintf(stderr, "the broker refuses: %s\n", mosquitto_connack_string(code));
    exit(1);
  }
  flag(&connected);
}

static void on_subscribe(struct mosquitto *client, void *context, int id, int count, const int *granted) {
  (void)client, (void)context, (void)id, (void)count, (void)granted;
  flag(&subscribed);
}

static void on_publish(struct mosquitto *client, void *context, int id) {
  (void)client, (void)context, (void)id;
  pthread_mutex_lock(&lock);
  acknowledged += 1;
  pthread_cond_broadcast(&moved);
  pthread_mutex_unlock(&lock);
}

static void on_message(struct mosquitto *client, void *context, const struct mosquitto_message *message) {
  (void)client, (void)context;
  if (strcmp(message->topic, "stt/end") == 0) {
    flag(&over);
    return;
  }
  last = clock_ns(CLOCK_MONOTONIC);
  if (first == 0) first = last;
  it.messages += 1;
  it.bytes += (uint64_t)message->payloadlen;
}

static struct mosquitto *make_client(const char *program) {
  struct mosquitto *client = mosquitto_new(NULL, true, NULL);
  if (client == NULL) fail("mosquitto_new", MOSQ_ERR_NOMEM);
  int code = mosquitto_tls_set(client, beside(program, "ca.pem"), NULL, NULL, NULL, NULL);
  if (code != MOSQ_ERR_SUCCESS) fail("mosquitto_tls_set", code);
  code = mosquitto_tls_opts_set(client, 1, "tlsv1.3", NULL);
  if (code != MOSQ_ERR_SUCCESS) fail("mosquitto_tls_opts_set", code);
  mosquitto_int_option(client, MOSQ_OPT_SEND_MAXIMUM, 0);
  mosquitto_int_option(client, MOSQ_OPT_RECEIVE_MAXIMUM, 65535);
  mosquitto_int_option(client, MOSQ_OPT_TCP_NODELAY, 1);
  mosquitto_connect_callback_set(client, on_connect);
  mosquitto_subscribe_callback_set(client, on_subscribe);
  mosquitto_publish_callback_set(client, on_publish);
  mosquitto_message_callback_set(client, on_message);
  return client;
}

static void connect_to(struct mosquitto *client, int port) {
  // The broker may still be starting.
  int code = MOSQ_ERR_ERRNO;
  for (int attempt = 0; attempt < 500 && code != MOSQ_ERR_SUCCESS; attempt++) {
    code = mosquitto_connect(client, "localhost", port, 60);
    if (code != MOSQ_ERR_SUCCESS) usleep(10000);
  }
  if (code != MOSQ_ERR_SUCCESS) fail("mosquitto_connect", code);
  code = mosquitto_loop_start(client);
  if (code != MOSQ_ERR_SUCCESS) fail("mosquitto_loop_start", code);
  await(&connected);
}

// The kernel's choice of a port; it stays free for the moment between.
static int free_port(void) {
  int probe = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  if (bind(probe, (struct sockaddr *)&address, length) != 0 || getsockname(probe, (struct sockaddr *)&address, &length) != 0) {
    perror("bind");
    exit(1);
  }
  close(probe);
  return ntohs(address.sin_port);
}

static char configuration[] = "/tmp/stt-mosquitto-XXXXXX";

static pid_t start_broker(const char *program, int port) {
  FILE *file = fdopen(mkstemp(configuration), "w");
  if (file == NULL) {
    perror(configuration);
    exit(1);
  }
  fprintf(file,
          "listener %d 127.0.0.1\nallow_anonymous true\ncertfile %s\nkeyfile %s\ntls_version tlsv1.3\n"
          "max_inflight_messages 0\nmax_queued_messages 0\nset_tcp_nodelay true\nlog_type error\nlog_dest stderr\n",
          port, beside(program, "certificate.pem"), beside(program, "key.pem"));
  // As root it would become a user who cannot read these files.
  if (geteuid() == 0) fprintf(file, "user root\n");
  fclose(file);
  pid_t broker = fork();
  if (broker == 0) {
    dup2(2, 1);
    execlp("mosquitto", "mosquitto", "-c", configuration, NULL);
    execl("/usr/sbin/mosquitto", "mosquitto", "-c", configuration, NULL);
    perror("mosquitto");
    _exit(1);
  }
  return broker;
}

static void receive(const char *program) {
  int port = free_port();
  pid_t broker = start_broker(program, port);
  struct mosquitto *client = make_client(program);
  connect_to(client, port);
  int code = mosquitto_subscribe(client, NULL, "stt/#", 1);
  if (code != MOSQ_ERR_SUCCESS) fail("mosquitto_subscribe", code);
  await(&subscribed);
  unlink(configuration);
  announce(port);
  await(&over);
  mosquitto_disconnect(client);
  mosquitto_loop_stop(client, false);
  mosquitto_destroy(client);
  kill(broker, SIGTERM);
  waitpid(broker, NULL, 0);
  it.seconds = (double)(last - first) / 1e9;
  report(&it);
}

static void wait_for(uint64_t unacknowledged) {
  pthread_mutex_lock(&lock);
  while (published - acknowledged > unacknowledged) pthread_cond_wait(&moved, &lock);
  pthread_mutex_unlock(&lock);
}

static void publish(struct mosquitto *client, const char *topic, const void *bytes, int count) {
  int code = mosquitto_publish(client, NULL, topic, count, bytes, 1, false);
  if (code != MOSQ_ERR_SUCCESS) fail("mosquitto_publish", code);
  pthread_mutex_lock(&lock);
  published += 1;
  pthread_mutex_unlock(&lock);
}

static void send_all(const plan *plan, const char *program) {
  struct mosquitto *client = make_client(program);
  connect_to(client, plan->port);
  unsigned char *message = calloc(1, (size_t)plan->message);
  if (message == NULL) fail("calloc", MOSQ_ERR_NOMEM);
  uint64_t most = DEPTH / (uint64_t)plan->message;
  if (most > MOST) most = MOST;
  if (most < 2) most = 2;
  uint64_t start = clock_ns(CLOCK_MONOTONIC), end = start + (uint64_t)plan->seconds * 1000000000u;
  while (clock_ns(CLOCK_MONOTONIC) < end) {
    wait_for(most - 1);
    memcpy(message, &it.messages, sizeof it.messages);
    publish(client, "stt/bench", message, plan->message);
    it.messages += 1;
    it.bytes += (uint64_t)plan->message;
  }
  wait_for(0);
  it.seconds = (double)(clock_ns(CLOCK_MONOTONIC) - start) / 1e9;
  publish(client, "stt/end", "", 0);
  wait_for(0);
  mosquitto_disconnect(client);
  mosquitto_loop_stop(client, false);
  mosquitto_destroy(client);
  free(message);
  report(&it);
}

int main(int count, char **words) {
  plan plan;
  if (!understand(count, words, &plan)) return 64;
  mosquitto_lib_init();
  if (plan.sends) send_all(&plan, words[0]); else receive(words[0]);
  mosquitto_lib_cleanup();
  return 0;
}
