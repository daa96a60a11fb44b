/* The hybrid ratchet of both directions at once, with symmetric steps between (docs/protocol.md 2.11 as
   planned): REKEY_OFFER and REKEY_ACCEPT, offers that cross, and copies of both that arrive late.

   Both frames are repeated until answered, each time in a new packet, so the network may deliver any of them
   at any time later and any number of times, or never. A key is named by the exchange it descends from (0
   is the handshake) and the symmetric steps since.

   The rules that the model found necessary beside "each hybrid step takes the next epoch":
   R1  No symmetric step of the offerer's direction while its offer is open.
   R2  ACCEPT, and every copy of it, is sealed under the key before the acceptor's switch; everything else
       it sends from then on under the new one.
   R3  The offerer switches both directions when it takes ACCEPT: the epoch ACCEPT came in is the previous
       one from then on, whatever else has arrived.
   R4  An OFFER or ACCEPT that came in the previous epoch is ignored: it is a late copy.
   R5  An OFFER that was accepted already gets the same ACCEPT again; no second exchange.
   R6  If offers cross, the initiator's stands: the responder drops its own and accepts; the initiator ignores
       the responder's.
   R7  An acceptor offers only after a packet in the offerer's new epoch has opened.

   Properties:
   P1  Never two keys for one epoch of one direction: the key the receiver chose by the bits is the sender's.
   P2  In step: a packet of the sender's epoch opens, except while the ACCEPT that announces its key is still
       on its way; an open offer, and the ACCEPT to it, open always.
   P3  An ACCEPT is taken as the answer to the offer it answers.

   -DBUG_STEP      without R1      -DBUG_ACCEPTNEW  without R2      -DBUG_LAZY  without R3
   -DBUG_STALE     without R4      -DBUG_REACCEPT   without R5      -DBUG_BOTH  without R6
   -DBUG_HASTY     without R7
   -DREACH         no property: three exchanges, offers that crossed, epochs past 4 */

#define INITIATOR 0
#define RESPONDER 1
#define OFFERS 4
#define EXCHANGES 3
#ifndef LASTEPOCH
#define LASTEPOCH 5         /* past 4, where the bits begin again */
#endif
#define EPOCHS (LASTEPOCH + 1)

/* Sending, by side. */
byte sx[2], ss[2], se[2];            /* exchange, steps, epoch */
bool acknowledged[2];
byte open[2];                        /* the offer that waits for its ACCEPT */
bool unfinished[2];                  /* accepted, and nothing came under the new key yet */
byte accepted[2];                    /* the last offer accepted */

/* Receiving, by side. */
byte rx[2], rs[2], re[2];
byte px[2], ps[2]; bool hasPrevious[2];
byte pending[2];                     /* the exchange the next epoch comes from; 0: a symmetric step */

/* All that was ever sent. */
byte owner[OFFERS + 1], offerEpoch[OFFERS + 1], offers = 0;
byte answers[EXCHANGES + 1], acceptEpoch[EXCHANGES + 1], exchanges = 0;
byte keyX[2 * EPOCHS], keyS[2 * EPOCHS];   /* the sender's key, by direction and epoch */
bool crossed = false;

#define KEY(d, e) ((d) * EPOCHS + (e))
#define PREVIOUS 0
#define PRESENT 1
#define NEXT 2
#define NOTHING 3

#ifdef BUG_STEP
#define MAY_STEP(d) true
#else
#define MAY_STEP(d) (open[d] == 0)
#endif
#ifdef BUG_STALE
#define LATE(slot) false
#else
#define LATE(slot) (slot == PREVIOUS)
#endif
#ifdef BUG_REACCEPT
#define KNOWN(s, o) false
#else
#define KNOWN(s, o) (accepted[s] == o)
#endif
#ifdef BUG_BOTH
#define YIELDS(s) false
#else
#define YIELDS(s) (s == INITIATOR && open[s] != 0)
#endif
#ifdef BUG_HASTY
#define MAY_OFFER(s) true
#else
#define MAY_OFFER(s) (!unfinished[s])
#endif
/* Whether the sender d has accepted the offer its peer still holds open. */
#define ANNOUNCED(d) (open[1 - d] != 0 && accepted[d] == open[1 - d])

inline takeEpoch(side, exchange, steps) {
  se[side]++;
  sx[side] = exchange; ss[side] = steps;
  keyX[KEY(side, se[side])] = sx[side]; keyS[KEY(side, se[side])] = ss[side];
  acknowledged[side] = false
}

/* A packet of one direction, sealed in epoch e, reaches the other side r: which key do the bits choose, and does
   it open? If so the receiver moves on. */
inline arrive(from, r, e) {
  if
  :: e % 4 == re[r] % 4 -> slot = PRESENT; opens = (re[r] == e && rx[r] == keyX[KEY(from, e)] && rs[r] == keyS[KEY(from, e)]);
     assert(opens || re[r] != e)                                                               /* P1 */
  :: e % 4 == (re[r] + 1) % 4 && pending[r] == 0 -> slot = NEXT;
     opens = (re[r] + 1 == e && rx[r] == keyX[KEY(from, e)] && rs[r] + 1 == keyS[KEY(from, e)]);
     assert(opens || re[r] + 1 != e || ANNOUNCED(from))                                           /* P1 */
  :: e % 4 == (re[r] + 1) % 4 && pending[r] != 0 -> slot = NEXT;
     opens = (re[r] + 1 == e && pending[r] == keyX[KEY(from, e)] && keyS[KEY(from, e)] == 0);
     assert(opens || re[r] + 1 != e)                                                           /* P1 */
  :: e % 4 == (re[r] + 3) % 4 && hasPrevious[r] -> slot = PREVIOUS;
     opens = (re[r] == e + 1 && px[r] == keyX[KEY(from, e)] && ps[r] == keyS[KEY(from, e)]);
     assert(opens || re[r] != e + 1)                                                           /* P1 */
  :: else -> slot = NOTHING; opens = false
  fi;
  if
  :: opens && slot == NEXT ->
     px[r] = rx[r]; ps[r] = rs[r]; hasPrevious[r] = true;
     re[r]++;
     if
     :: pending[r] != 0 -> rx[r] = pending[r]; rs[r] = 0; pending[r] = 0; unfinished[r] = false
     :: else -> rs[r]++
     fi
  :: else -> skip
  fi
}

inline data(d) {
  d_step {
    arrive(d, 1 - d, se[d]);
    assert(opens || ANNOUNCED(d));                                                             /* P2 */
    slot = 0; opens = false
  }
}

inline step(d) {
  d_step {
    se[d] < LASTEPOCH && acknowledged[d] && MAY_STEP(d) -> takeEpoch(d, sx[d], ss[d] + 1)
  }
}

inline acknowledge(d) {
  d_step { !acknowledged[d] && re[1 - d] == se[d] -> acknowledged[d] = true }
}

inline offer(s) {
  d_step {
    offers < OFFERS && open[s] == 0 && MAY_OFFER(s) ->
    offers++;
    owner[offers] = s; offerEpoch[offers] = se[s];
    open[s] = offers;
    crossed = (crossed || open[1 - s] != 0)
  }
}

inline takeOffer(o) {
  d_step {
    o <= offers && exchanges < EXCHANGES && se[1 - owner[o]] < LASTEPOCH && se[owner[o]] < LASTEPOCH ->
    s = 1 - owner[o];
    arrive(1 - s, s, offerEpoch[o]);
    assert(opens || open[1 - s] != o || accepted[s] == o);                                     /* P2 */
    if
    :: !opens || LATE(slot) || KNOWN(s, o) || YIELDS(s) -> skip
    :: else ->
       if :: s == RESPONDER -> open[s] = 0 :: else -> skip fi;
       exchanges++;
       answers[exchanges] = o;
#ifndef BUG_ACCEPTNEW
       acceptEpoch[exchanges] = se[s];
#endif
       takeEpoch(s, exchanges, 0);
#ifdef BUG_ACCEPTNEW
       acceptEpoch[exchanges] = se[s];
#endif
       pending[s] = exchanges;
       accepted[s] = o;
       unfinished[s] = true
    fi;
    slot = 0; opens = false; s = 0
  }
}

inline takeAccept(x) {
  d_step {
    x <= exchanges && se[owner[answers[x]]] < LASTEPOCH ->
    s = owner[answers[x]];
    arrive(1 - s, s, acceptEpoch[x]);
    assert(opens || open[s] != answers[x]);                                                    /* P2 */
    if
    :: !opens || LATE(slot) || open[s] == 0 -> skip
    :: else ->
       assert(open[s] == answers[x]);                                                          /* P3 */
       open[s] = 0;
       takeEpoch(s, x, 0);
#ifdef BUG_LAZY
       pending[s] = x
#else
       px[s] = rx[s]; ps[s] = rs[s]; hasPrevious[s] = true;
       re[s]++; rx[s] = x; rs[s] = 0; pending[s] = 0
#endif
    fi;
#ifdef REACH
    assert(!(exchanges == EXCHANGES && open[0] == 0 && open[1] == 0 && crossed && se[0] == LASTEPOCH));
#endif
    slot = 0; opens = false; s = 0
  }
}

active proctype World() {
  byte d, o, s, slot;
  bool opens;
end:
  do
  :: atomic { select (d : 0 .. 1); data(d); d = 0 }
  :: atomic { select (d : 0 .. 1); step(d); d = 0 }
  :: atomic { select (d : 0 .. 1); acknowledge(d); d = 0 }
  :: atomic { select (d : 0 .. 1); offer(d); d = 0 }
  :: atomic { select (o : 1 .. OFFERS); takeOffer(o); o = 0 }
  :: atomic { select (o : 1 .. EXCHANGES); takeAccept(o); o = 0 }
  :: atomic { select (d : 0 .. 1); hasPrevious[d] -> hasPrevious[d] = false; d = 0 }
  od
}
