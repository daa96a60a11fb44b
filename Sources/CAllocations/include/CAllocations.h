// Counts the calls of malloc and its relatives in the program this is linked into, so that a
// benchmark can say what its hot path allocates. For the measuring tool alone.
#pragma once
#include <stdint.h>

// Calls so far, over all threads.
uint64_t callocations_count(void);
