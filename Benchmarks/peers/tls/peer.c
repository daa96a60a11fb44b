// TLS 1.3 over TCP by OpenSSL as a peer of `stt bench peers` (../README.md): what a careful program does without a protocol
// of its own. A message is four bytes of length and its bytes; small ones share a record of TLS.
#include "../peer.h"
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RECORD = 16384, LENGTH = 4 };

static void fail(const char *what) {
  perror(what);
  ERR_print_errors_fp(stderr);
  exit(1);
}

// Certificate and key lie beside this program.
static const char *beside(const char *program, const char *name) {
  static char path[4096];
  const char *slash = strrchr(program, '/');
  snprintf(path, sizeof path, "%.*s/%s", slash ? (int)(slash - program) : 1, slash ? program : ".", name);
  return path;
}

static SSL_CTX *make_context(const plan *plan, const char *program) {
  SSL_CTX *context = SSL_CTX_new(plan->sends ? TLS_client_method() : TLS_server_method());
  if (context == NULL || SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1) fail("SSL_CTX_new");
  if (SSL_CTX_set_ciphersuites(context, "TLS_AES_256_GCM_SHA384") != 1) fail("SSL_CTX_set_ciphersuites");
  if (plan->sends) {
    if (SSL_CTX_load_verify_locations(context, beside(program, "ca.pem"), NULL) != 1) fail("ca.pem");
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
  } else {
    if (SSL_CTX_use_certificate_file(context, beside(program, "certificate.pem"), SSL_FILETYPE_PEM) != 1) fail("certificate.pem");
    if (SSL_CTX_use_PrivateKey_file(context, beside(program, "key.pem"), SSL_FILETYPE_PEM) != 1) fail("key.pem");
  }
  SSL_CTX_set_mode(context, SSL_MODE_AUTO_RETRY);
  // One read of the socket takes several records.
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, 1 << 18);
  return context;
}

static SSL *make_session(SSL_CTX *context, int socket) {
  int one = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  SSL *session = SSL_new(context);
  if (session == NULL || SSL_set_fd(session, socket) != 1) fail("SSL_new");
  return session;
}

static void receive(const plan *plan, SSL_CTX *context) {
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  if (bind(listener, (struct sockaddr *)&address, length) != 0 || listen(listener, 1) != 0) fail("listen");
  if (getsockname(listener, (struct sockaddr *)&address, &length) != 0) fail("getsockname");
  announce(ntohs(address.sin_port));
  int taken = accept(listener, NULL, NULL);
  if (taken < 0) fail("accept");
  SSL *session = make_session(context, taken);
  if (SSL_accept(session) != 1) fail("SSL_accept");
  // Twice the largest message: one whole one lies in it, always.
  size_t room = (size_t)(plan->message + LENGTH) * 2 + (1 << 18), held = 0;
  unsigned char *buffer = malloc(room);
  if (buffer == NULL) fail("malloc");
  figures it = {0};
  uint64_t first = 0, last = 0;
  int got;
  while ((got = SSL_read(session, buffer + held, (int)(room - held))) > 0) {
    last = clock_ns(CLOCK_MONOTONIC);
    if (first == 0) first = last;
    held += (size_t)got;
    size_t place = 0;
    while (held - place >= LENGTH) {
      uint32_t size;
      memcpy(&size, buffer + place, LENGTH);
      if (size > (uint32_t)plan->message) {
        fprintf(stderr, "a message of %u bytes\n", size);
        exit(1);
      }
      if (held - place < LENGTH + (size_t)size) break;
      place += LENGTH + size;
      it.messages += 1;
      it.bytes += size;
    }
    memmove(buffer, buffer + place, held - place);
    held -= place;
  }
  it.seconds = (double)(last - first) / 1e9;
  report(&it);
  free(buffer);
  SSL_free(session);
  close(taken);
  close(listener);
}

static void write_all(SSL *session, const unsigned char *bytes, size_t count) {
  if (count > 0 && SSL_write(session, bytes, (int)count) != (int)count) fail("SSL_write");
}

static void send_all(const plan *plan, SSL_CTX *context) {
  int connected = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = loopback(plan->port);
  if (connect(connected, (struct sockaddr *)&address, sizeof address) != 0) fail("connect");
  SSL *session = make_session(context, connected);
  if (SSL_connect(session) != 1) fail("SSL_connect");
  size_t each = (size_t)plan->message + LENGTH;
  // As many whole messages as a record holds, or one.
  size_t room = each > RECORD ? each : RECORD / each * each, held = 0;
  unsigned char *buffer = calloc(1, room), *message = calloc(1, (size_t)plan->message);
  if (buffer == NULL || message == NULL) fail("calloc");
  figures it = {0};
  uint64_t start = clock_ns(CLOCK_MONOTONIC), end = start + (uint64_t)plan->seconds * 1000000000u;
  while (clock_ns(CLOCK_MONOTONIC) < end) {
    while (held + each <= room) {
      uint32_t size = (uint32_t)plan->message;
      memcpy(message, &it.messages, sizeof it.messages);
      memcpy(buffer + held, &size, LENGTH);
      memcpy(buffer + held + LENGTH, message, size);
      held += each;
      it.messages += 1;
      it.bytes += size;
    }
    write_all(session, buffer, held);
    held = 0;
  }
  it.seconds = (double)(clock_ns(CLOCK_MONOTONIC) - start) / 1e9;
  SSL_shutdown(session);
  // Closed with something unread (the other end's session tickets), a connection would be reset before all has arrived.
  shutdown(connected, SHUT_WR);
  while (SSL_read(session, message, plan->message) > 0) {}
  report(&it);
  free(buffer);
  free(message);
  SSL_free(session);
  close(connected);
}

int main(int count, char **words) {
  plan plan;
  if (!understand(count, words, &plan)) return 64;
  SSL_CTX *context = make_context(&plan, words[0]);
  if (plan.sends) send_all(&plan, context); else receive(&plan, context);
  SSL_CTX_free(context);
  return 0;
}
