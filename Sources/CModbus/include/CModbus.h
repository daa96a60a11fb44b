// libmodbus (libmodbus.so.5), loaded when a source asks for it: most boards have no Modbus, and start without the library.
#pragma once
#include <stdint.h>

typedef struct cmodbus_port cmodbus_port;

enum cmodbus_table { CMODBUS_COIL, CMODBUS_DISCRETE, CMODBUS_INPUT, CMODBUS_HOLDING };

// What an error means to the asker.
enum cmodbus_meaning {
  CMODBUS_SILENT,   // no answer, or one that is damaged
  CMODBUS_REFUSED,  // the device answered that it won't
  CMODBUS_PORT,     // the port does not work
};

// 0, or -1 when the library is not installed.
int cmodbus_load(void);

// Opens and takes a port. `parity` is 'N', 'E' or 'O'. NULL leaves the reason in `error`.
cmodbus_port *cmodbus_open(
    const char *path, int baud, char parity, int data_bits, int stop_bits, uint32_t timeout_us, int *error);

// Reads `count` registers or bits (each one element, 0 or 1) of a device. Blocks until it answers or the time is over.
// 0, or an error.
int cmodbus_read(
    cmodbus_port *port, uint8_t device, enum cmodbus_table table, uint16_t first, uint16_t count, uint16_t *into);

enum cmodbus_meaning cmodbus_meaning(int error);

// Valid until the next call.
const char *cmodbus_text(int error);

void cmodbus_close(cmodbus_port *port);
