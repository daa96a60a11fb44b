// irq_sim is built into kernels that have it; as a module it needs a licence.
#include <linux/module.h>
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Simulated interrupts");
