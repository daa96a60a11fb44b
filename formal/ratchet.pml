/* The symmetric ratchet of one direction: the epoch travels modulo 4, the receiver holds the previous, the
   present and the next key, and packet numbers go on counting (docs/protocol.md 2.3, 2.11, 2.14).

   The network is the adversary: any packet ever sent may arrive at any time, any number of times, or never;
   it also invents packets with any epoch bits and any packet number, which open under no key.

   Properties:
   P1  In step: a packet of the sender's epoch that is inside the replay window opens; so does one of the
       epoch before, until the receiver forgets the last key.
   P2  No key is taken for another epoch's: the key chosen by the bits opens what it should and nothing else
       moves the receiver.
   P3  A packet is delivered at most once.
   P4  No packet number is used twice.

   -DBUG_EAGER       the sender steps without an acknowledgement from the present epoch: P1
   -DBUG_MODULO2     one epoch bit on the wire: P1
   -DBUG_TRUSTBITS   the receiver moves on before the packet has opened: P2
   -DBUG_MARKEARLY   the replay window is marked before the packet has opened: P1
   -DBUG_NOPREVIOUS  the last key is erased at once: P1
   -DBUG_NOWINDOW    no replay window: P3
   -DBUG_RESETNUMBER packet numbers begin again with a new key: P4
   -DREACH           no property: shows that the epochs wrap around */

#define PACKETS 9
#define LASTEPOCH 6
#define WINDOW 5
#ifdef BUG_MODULO2
#define MODULUS 2
#else
#define MODULUS 4
#endif

#ifdef BUG_EAGER
#define MAY_STEP true
#else
#define MAY_STEP acknowledged
#endif

byte epochOf[PACKETS];
byte uses[PACKETS];
byte next = 0;              /* the sender's next packet number */
byte epoch = 0;             /* the sender's */
bool acknowledged = false;  /* a packet of the sender's epoch */

byte present = 0;           /* the receiver's epoch */
bool hasPrevious = false;
bool forgotten = false;     /* the last key, three probe timeouts after the step */
bool marked[PACKETS];
bool delivered[PACKETS];
byte top = 0;               /* the highest packet number marked, plus 1 */
byte topOpened = 0;         /* the highest that opened, plus 1 */

inline send() {
  d_step {
    next < PACKETS ->
    uses[next]++;
    assert(uses[next] == 1);                                       /* P4 */
    epochOf[next] = epoch;
    next++
  }
}

inline step() {
  d_step {
    epoch < LASTEPOCH && MAY_STEP ->
    epoch++;
    acknowledged = false;
#ifdef BUG_RESETNUMBER
    next = 0
#endif
  }
}

inline choose(bits, key) {
  if
  :: bits == present % MODULUS -> key = present
  :: bits != present % MODULUS && bits == (present + 1) % MODULUS -> key = present + 1
  :: hasPrevious && bits == (present + 3) % 4 && MODULUS == 4 -> key = present - 1
  :: else -> key = 255
  fi
}

inline mark(p) {
  marked[p] = true;
  top = (p + 1 > top -> p + 1 : top)
}

inline deliver(p) {
  d_step {
    p < next ->
    if
#ifndef BUG_NOWINDOW
    :: marked[p] || p + WINDOW < top ->
       assert(delivered[p] || p + WINDOW < topOpened)                                     /* P1 */
#endif
    :: else ->
       choose(epochOf[p] % MODULUS, key);
       opens = (key == epochOf[p]);
       assert(opens || epochOf[p] != epoch);                                              /* P1 */
       assert(opens || epochOf[p] + 1 != epoch || forgotten);                             /* P1 */
       if
       :: opens ->
          assert(!delivered[p]);                                   /* P3 */
          delivered[p] = true;
          mark(p);
          topOpened = (p + 1 > topOpened -> p + 1 : topOpened);
          if
          :: key == present + 1 ->
             present++;
             forgotten = false;
#ifndef BUG_NOPREVIOUS
             hasPrevious = true
#endif
          :: else -> skip
          fi;
          assert(present <= epoch);                                /* P2 */
#ifdef REACH
          assert(!(present == LASTEPOCH && epochOf[0] == 0 ))
#endif
       :: else -> skip
       fi
    fi;
    key = 0; opens = false
  }
}

/* An invented packet: header and packet number are in the clear, the rest opens under no key. */
inline forge(p, bits) {
  d_step {
    if
    :: marked[p] || p + WINDOW < top -> skip
    :: else ->
       choose(bits, key);
#ifdef BUG_MARKEARLY
       mark(p);
#endif
#ifdef BUG_TRUSTBITS
       if :: key == present + 1 -> present++; hasPrevious = true :: else -> skip fi;
       assert(present <= epoch);                                   /* P2 */
#endif
    fi;
    key = 0
  }
}

active proctype World() {
  byte p, bits, key;
  bool opens;
end:
  do
  :: send()
  :: step()
  :: atomic { select (p : 0 .. PACKETS - 1); deliver(p); p = 0 }
  :: atomic { select (p : 0 .. PACKETS - 1); select (bits : 0 .. 3); forge(p, bits); p = 0; bits = 0 }
  :: d_step { hasPrevious -> hasPrevious = false; forgotten = true }       /* three probe timeouts later */
  :: atomic { next > 0 -> select (p : 0 .. PACKETS - 1);
       if :: p < next && delivered[p] && epochOf[p] == epoch -> acknowledged = true :: else -> skip fi;
       p = 0 }
  od
}
