#define _GNU_SOURCE
#include "CModbus.h"

#include <dlfcn.h>
#include <errno.h>
#include <modbus/modbus.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/ioctl.h>

static struct {
  __typeof__(&modbus_new_rtu) new_rtu;
  __typeof__(&modbus_connect) connect;
  __typeof__(&modbus_get_socket) get_socket;
  __typeof__(&modbus_set_response_timeout) set_response_timeout;
  __typeof__(&modbus_set_slave) set_slave;
  __typeof__(&modbus_flush) flush;
  __typeof__(&modbus_read_bits) read_bits;
  __typeof__(&modbus_read_input_bits) read_input_bits;
  __typeof__(&modbus_read_registers) read_registers;
  __typeof__(&modbus_read_input_registers) read_input_registers;
  __typeof__(&modbus_strerror) text;
  __typeof__(&modbus_close) close;
  __typeof__(&modbus_free) free;
} library;

static int is_loaded;
static pthread_mutex_t loading = PTHREAD_MUTEX_INITIALIZER;

static int load(void) {
  void *handle = dlopen("libmodbus.so.5", RTLD_NOW | RTLD_LOCAL);
  if (!handle) return -1;
  struct {
    void **function;
    const char *name;
  } wanted[] = {
      {(void **)&library.new_rtu, "modbus_new_rtu"},
      {(void **)&library.connect, "modbus_connect"},
      {(void **)&library.get_socket, "modbus_get_socket"},
      {(void **)&library.set_response_timeout, "modbus_set_response_timeout"},
      {(void **)&library.set_slave, "modbus_set_slave"},
      {(void **)&library.flush, "modbus_flush"},
      {(void **)&library.read_bits, "modbus_read_bits"},
      {(void **)&library.read_input_bits, "modbus_read_input_bits"},
      {(void **)&library.read_registers, "modbus_read_registers"},
      {(void **)&library.read_input_registers, "modbus_read_input_registers"},
      {(void **)&library.text, "modbus_strerror"},
      {(void **)&library.close, "modbus_close"},
      {(void **)&library.free, "modbus_free"},
  };
  for (size_t index = 0; index < sizeof wanted / sizeof *wanted; index++)
    if (!(*wanted[index].function = dlsym(handle, wanted[index].name))) return -1;
  return 0;
}

int cmodbus_load(void) {
  pthread_mutex_lock(&loading);
  if (!is_loaded) is_loaded = load() == 0;
  int result = is_loaded ? 0 : -1;
  pthread_mutex_unlock(&loading);
  return result;
}

static int failure(void) { return errno > 0 ? errno : EIO; }

cmodbus_port *cmodbus_open(
    const char *path, int baud, char parity, int data_bits, int stop_bits, uint32_t timeout_us, int *error) {
  modbus_t *context = library.new_rtu(path, baud, parity, data_bits, stop_bits);
  if (!context) {
    *error = failure();
    return NULL;
  }
  if (library.set_response_timeout(context, timeout_us / 1000000, timeout_us % 1000000) != 0 ||
      library.connect(context) != 0) {
    *error = failure();
    library.free(context);
    return NULL;
  }
  // Two askers on one line would take each other's answers.
  ioctl(library.get_socket(context), TIOCEXCL);
  return (cmodbus_port *)context;
}

int cmodbus_read(
    cmodbus_port *port, uint8_t device, enum cmodbus_table table, uint16_t first, uint16_t count, uint16_t *into) {
  modbus_t *context = (modbus_t *)port;
  int is_bits = table == CMODBUS_COIL || table == CMODBUS_DISCRETE;
  if (count == 0 || count > (is_bits ? MODBUS_MAX_READ_BITS : MODBUS_MAX_READ_REGISTERS)) return EINVAL;
  if (library.set_slave(context, device) != 0) return failure();
  // What came too late for the last question is no answer to this one.
  if (library.flush(context) < 0) return failure();
  errno = 0;
  int got;
  if (is_bits) {
    uint8_t bits[MODBUS_MAX_READ_BITS];
    got = (table == CMODBUS_COIL ? library.read_bits : library.read_input_bits)(context, first, count, bits);
    if (got == count)
      for (int index = 0; index < got; index++) into[index] = bits[index] != 0;
  } else {
    got = (table == CMODBUS_HOLDING ? library.read_registers : library.read_input_registers)(context, first, count, into);
  }
  if (got < 0) return failure();
  return got == count ? 0 : EMBBADDATA;
}

enum cmodbus_meaning cmodbus_meaning(int error) {
  switch (error) {
    case EMBXILFUN: case EMBXILADD: case EMBXILVAL: case EMBXSFAIL: case EMBXACK: case EMBXSBUSY: case EMBXNACK:
    case EMBXMEMPAR: case EMBXGPATH: case EMBXGTAR: return CMODBUS_REFUSED;
    case ETIMEDOUT: case EMBBADCRC: case EMBBADDATA: case EMBBADEXC: case EMBUNKEXC: case EMBMDATA: case EMBBADSLAVE:
      return CMODBUS_SILENT;
    default: return CMODBUS_PORT;
  }
}

const char *cmodbus_text(int error) { return library.text(error); }

void cmodbus_close(cmodbus_port *port) {
  library.close((modbus_t *)port);
  library.free((modbus_t *)port);
}
