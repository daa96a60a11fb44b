// A 1-wire bus with two DS18B20 thermometers on it, by the data sheet's commands (Maxim 19-7487), bit by bit: the kernel's
// own w1 and w1_therm find and read them. Their temperatures, in sixteenths of a degree, are a parameter.
#include <linux/module.h>
#include <linux/string.h>
#include <linux/w1.h>

static int sixteenths[2] = {402, -200};
module_param_array(sixteenths, int, NULL, 0644);
MODULE_PARM_DESC(sixteenths, "temperatures in sixteenths of a degree Celsius");

struct thermometer {
	u8 rom[8];
	u8 scratchpad[9];
	bool selected;
};

enum state { ROM_COMMAND, SEARCH, MATCH, FUNCTION, SEND_ROM, SEND_SCRATCHPAD, TAKE_SCRATCHPAD, IDLE };

static struct {
	struct thermometer thermometers[2];
	enum state state;
	unsigned int position; // in bits
	unsigned int phase; // of a search: the bit, its complement, the choice
	u8 command;
} bus;

#define each(t) for (t = bus.thermometers; t < bus.thermometers + ARRAY_SIZE(bus.thermometers); t++)

static u8 bit_of(const u8 *bytes, unsigned int position) { return bytes[position / 8] >> (position % 8) & 1; }

static void convert(struct thermometer *t) {
	int value = sixteenths[t - bus.thermometers];
	t->scratchpad[0] = value;
	t->scratchpad[1] = value >> 8;
	t->scratchpad[8] = w1_calc_crc8(t->scratchpad, 8);
}

static void go(enum state state) {
	bus.state = state;
	bus.position = 0;
	bus.phase = 0;
	bus.command = 0;
}

static void obey(u8 command) {
	struct thermometer *t;
	bool is_rom = bus.state == ROM_COMMAND;

	go(IDLE);
	if (is_rom) switch (command) {
	case 0xF0: go(SEARCH); break;
	case 0x55: go(MATCH); break;
	case 0xCC: go(FUNCTION); break;
	case 0x33: go(SEND_ROM); break;
	} else switch (command) {
	case 0x44:
		each(t) if (t->selected) convert(t);
		break;
	case 0xBE: go(SEND_SCRATCHPAD); break;
	case 0x4E: go(TAKE_SCRATCHPAD); break;
	}
}

// What all that speak at once leave of a line that is high when nobody pulls it down.
static u8 spoken(enum state state, unsigned int position, u8 inverted) {
	struct thermometer *t;
	u8 line = 1;

	each(t) if (t->selected)
		line &= bit_of(state == SEND_SCRATCHPAD ? t->scratchpad : t->rom, position) ^ inverted;
	return line;
}

static void keep_only(unsigned int position, u8 bit) {
	struct thermometer *t;

	each(t) if (bit_of(t->rom, position) != bit) t->selected = false;
}

static u8 touch_bit(void *data, u8 bit) {
	struct thermometer *t;
	u8 line = bit;

	switch (bus.state) {
	case ROM_COMMAND:
	case FUNCTION:
		bus.command |= bit << bus.position;
		if (++bus.position == 8) obey(bus.command);
		break;
	case SEARCH:
		if (bus.phase < 2) {
			line = spoken(SEARCH, bus.position, bus.phase);
			bus.phase++;
			break;
		}
		bus.phase = 0;
		keep_only(bus.position, bit);
		if (++bus.position == 64) go(FUNCTION);
		break;
	case MATCH:
		keep_only(bus.position, bit);
		if (++bus.position == 64) go(FUNCTION);
		break;
	case SEND_ROM:
	case SEND_SCRATCHPAD:
		line = spoken(bus.state, bus.position, 0);
		if (++bus.position == (bus.state == SEND_ROM ? 64 : 72)) go(IDLE);
		break;
	case TAKE_SCRATCHPAD:
		each(t) if (t->selected) {
			u8 *byte = t->scratchpad + 2 + bus.position / 8;
			*byte = (*byte & ~(1 << bus.position % 8)) | bit << bus.position % 8;
			t->scratchpad[8] = w1_calc_crc8(t->scratchpad, 8);
		}
		if (++bus.position == 24) go(IDLE);
		break;
	case IDLE: break;
	}
	return line;
}

static u8 reset_bus(void *data) {
	struct thermometer *t;

	go(ROM_COMMAND);
	each(t) t->selected = true;
	return 0; // somebody is there
}

static struct w1_bus_master master = {.touch_bit = touch_bit, .reset_bus = reset_bus};

static int __init w1_sim_init(void) {
	static const u8 fresh[8] = {0x50, 0x05, 0x4B, 0x46, 0x7F, 0xFF, 0x0C, 0x10};
	struct thermometer *t;

	each(t) {
		t->rom[0] = 0x28;
		t->rom[1] = 0x16 + (t - bus.thermometers);
		t->rom[7] = w1_calc_crc8(t->rom, 7);
		memcpy(t->scratchpad, fresh, sizeof(fresh));
		t->scratchpad[8] = w1_calc_crc8(t->scratchpad, 8);
	}
	return w1_add_master_device(&master);
}

static void __exit w1_sim_exit(void) { w1_remove_master_device(&master); }

module_init(w1_sim_init);
module_exit(w1_sim_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Simulated 1-wire thermometers");
