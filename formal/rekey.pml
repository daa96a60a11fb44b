/* The hybrid ratchet, with symmetric steps of both directions between (docs/protocol.md 2.11; decision 0009).
   REKEY_OFFER and REKEY_ACCEPT are control messages (2.2): a direction's are delivered in order, each once, one at a
   time, and are repeated until acknowledged in packets sealed under whatever key the sender then has. The network
   may deliver any copy at any later time, any number of times, or never.

   A key is named by the exchange it descends from (0 is the handshake) and the symmetric steps since.

   The rules, beside "each hybrid step takes the next epoch":
   R1  No symmetric step of the initiator's direction while its offer is open.
   R2  The initiator changes its key when it takes ACCEPT; the responder goes on under its old key until ACCEPT is
       acknowledged, and changes then: ACCEPT can't be read under the key it announces.
   R3  No symmetric step of the responder's direction before that acknowledgement.
   R4  The next epoch after an exchange is the hybrid one and no symmetric successor.
   R5  The initiator alone offers, when the responder has acknowledged a packet of its present epoch.
   R6  An OFFER proves that the last ACCEPT was taken, whose acknowledgement is late or lost: the responder changes its
       key, and then answers.

   Properties:
   P1  Never two keys for one epoch of one direction: the key the receiver chose by the bits is the sender's.
   P2  In step: any packet of the sender's present epoch opens, always.
   P3  An ACCEPT is taken as the answer to the offer it answers, and by one who has an offer open.
   P4  No exchange is given up for another: the responder changes to the key of each of its ACCEPTs.

   -DBUG_STEP        without R1          -DBUG_EARLY      without R2: the responder changes its key at once
   -DBUG_STEPACCEPT  without R3          -DBUG_SUCCESSOR  without R4
   -DBUG_BOTH        without R5: both offer
   -DBUG_ATONCE      without R6          -DBUG_TWICE      a copy of a control message takes effect again
   -DREACH           no property: shows that exchanges and steps go past epoch 4
   -DREACH_LATE      no property: shows that R6 is needed */

#define INITIATOR 0
#define RESPONDER 1
#define OFFERS 3
#define EXCHANGES 3
#define MESSAGES 6            /* control messages of a direction */
#ifndef LASTEPOCH
#define LASTEPOCH 5           /* past 4, where the bits begin again */
#endif
#define EPOCHS (LASTEPOCH + 1)

/* Sending, by side. */
byte sx[2], ss[2], se[2];            /* exchange, steps, epoch */
bool acknowledged[2];                /* a packet of the present epoch */
byte open[2];                        /* the offer that waits for its ACCEPT */
byte switchTo[2];                    /* the exchange whose ACCEPT waits for its acknowledgement */

/* Receiving, by side. */
byte rx[2], rs[2], re[2];
byte px[2], ps[2]; bool hasPrevious[2];
byte pending[2];                     /* the exchange the next epoch comes from; 0: a symmetric step */

/* Control messages, by direction: offers have their number, ACCEPTs 8 more than their exchange's. */
byte message[2 * MESSAGES];
byte queued[2], taken[2], cleared[2];       /* how many were begun, took effect, are acknowledged */
byte firstEpoch[2];                         /* of the message that is under way */
byte offers = 0, exchanges = 0;
byte owner[OFFERS + 1], answers[EXCHANGES + 1];
byte keyX[2 * EPOCHS], keyS[2 * EPOCHS];    /* the sender's key, by direction and epoch */

#define KEY(d, e) ((d) * EPOCHS + (e))

#ifdef BUG_STEP
#define OFFER_ALLOWS_STEP(d) true
#else
#define OFFER_ALLOWS_STEP(d) (open[d] == 0)
#endif
#ifdef BUG_STEPACCEPT
#define ACCEPT_ALLOWS_STEP(d) true
#else
#define ACCEPT_ALLOWS_STEP(d) (switchTo[d] == 0)
#endif
#ifdef BUG_BOTH
#define MAY_OFFER(d) true
#else
#define MAY_OFFER(d) (d == INITIATOR && acknowledged[d])
#endif
#ifdef BUG_ATONCE
#define PROVES_ACCEPT(d) false
#else
#define PROVES_ACCEPT(d) (switchTo[d] != 0)
#endif

inline takeEpoch(side, exchange, steps) {
  se[side]++;
  sx[side] = exchange; ss[side] = steps;
  keyX[KEY(side, se[side])] = sx[side]; keyS[KEY(side, se[side])] = ss[side];
  acknowledged[side] = false
}

/* A packet of direction `from`, sealed in epoch e, reaches r: which key do the bits choose, and does it open? If
   so the receiver moves on. */
inline arrive(from, r, e) {
  opens = false;
  if
  :: e % 4 == re[r] % 4 ->
     opens = (re[r] == e && rx[r] == keyX[KEY(from, e)] && rs[r] == keyS[KEY(from, e)]);
     assert(opens || re[r] != e)                                                               /* P1 */
  :: e % 4 == (re[r] + 1) % 4 && pending[r] == 0 ->
     opens = (re[r] + 1 == e && rx[r] == keyX[KEY(from, e)] && rs[r] + 1 == keyS[KEY(from, e)]);
     assert(opens || re[r] + 1 != e);                                                          /* P1 */
     if
     :: opens -> px[r] = rx[r]; ps[r] = rs[r]; hasPrevious[r] = true; re[r]++; rs[r]++
     :: else -> skip
     fi
  :: e % 4 == (re[r] + 1) % 4 && pending[r] != 0 ->
     opens = (re[r] + 1 == e && pending[r] == keyX[KEY(from, e)] && keyS[KEY(from, e)] == 0);
     assert(opens || re[r] + 1 != e);                                                          /* P1 */
     if
     :: opens -> px[r] = rx[r]; ps[r] = rs[r]; hasPrevious[r] = true; re[r]++; rx[r] = pending[r]; rs[r] = 0; pending[r] = 0
     :: else -> skip
     fi
  :: e % 4 == (re[r] + 3) % 4 && hasPrevious[r] ->
     opens = (re[r] == e + 1 && px[r] == keyX[KEY(from, e)] && ps[r] == keyS[KEY(from, e)]);
     assert(opens || re[r] != e + 1)                                                           /* P1 */
  :: else -> skip
  fi;
  assert(opens || e != se[from])                                                               /* P2 */
}

inline data(d) {
  d_step { s = 1 - d; e = se[d]; arrive(d, s, e); opens = false; s = 0; e = 0 }
}

inline step(d) {
  d_step {
    se[d] < LASTEPOCH && acknowledged[d] && OFFER_ALLOWS_STEP(d) && ACCEPT_ALLOWS_STEP(d) -> takeEpoch(d, sx[d], ss[d] + 1)
  }
}

inline acknowledge(d) {
  d_step { !acknowledged[d] && re[1 - d] == se[d] -> acknowledged[d] = true }
}

inline queue(by, what) {
  message[by * MESSAGES + queued[by]] = what;
  if :: cleared[by] == queued[by] -> firstEpoch[by] = se[by] :: else -> skip fi;
  queued[by]++
}

inline offer(d) {
  d_step {
    offers < OFFERS && queued[d] < MESSAGES - 1 && open[d] == 0 && MAY_OFFER(d) ->
    offers++;
    owner[offers] = d;
    open[d] = offers;
    queue(d, offers)
  }
}

inline answer(who, what) {
  exchanges++;
  answers[exchanges] = what;
  pending[who] = exchanges;
#ifdef BUG_EARLY
  queue(who, 8 + exchanges);
  takeEpoch(who, exchanges, 0)
#else
  assert(switchTo[who] == 0);                                                                  /* P4 */
  queue(who, 8 + exchanges);
  switchTo[who] = exchanges
#endif
}

inline takeOffer(o) {
  if
  :: PROVES_ACCEPT(s) ->
#ifdef REACH_LATE
     assert(false);
#endif
     takeEpoch(s, switchTo[s], 0);
     switchTo[s] = 0
  :: else -> skip
  fi;
  answer(s, o)
}

inline takeAccept(x) {
  assert(open[s] == answers[x]);                                                               /* P3 */
  open[s] = 0;
  takeEpoch(s, x, 0);
#ifndef BUG_SUCCESSOR
  pending[s] = x;
#endif
#ifdef REACH
  assert(!(exchanges > 1 && se[0] == LASTEPOCH && open[0] == 0))
#endif
}

#define ROOM (exchanges < EXCHANGES && se[0] < LASTEPOCH && se[1] < LASTEPOCH)

/* `s` takes what a packet of the other side brought. A copy of the control message under way, sealed in an epoch the sender has had since it was begun. */
inline control(d, e) {
  d_step {
    cleared[d] < queued[d] && e >= firstEpoch[d] && e <= se[d] && ROOM && queued[1 - d] < MESSAGES ->
    s = 1 - d;
    arrive(d, s, e);
    if
#ifdef BUG_TWICE
    :: opens ->
#else
    :: opens && taken[d] == cleared[d] ->
#endif
       taken[d] = cleared[d] + 1;
       m = message[d * MESSAGES + cleared[d]];
       if
       :: m < 8 -> takeOffer(m)
       :: else -> m = m - 8; takeAccept(m)
       fi;
       m = 0
    :: else -> skip
    fi;
    opens = false; s = 0
  }
}

/* The acknowledgement of a control message arrives; the next is begun. */
inline clear(d) {
  d_step {
    taken[d] > cleared[d] && se[d] < LASTEPOCH ->
    if
    :: message[d * MESSAGES + cleared[d]] == 8 + switchTo[d] -> takeEpoch(d, switchTo[d], 0); switchTo[d] = 0
    :: else -> skip
    fi;
    cleared[d]++;
    firstEpoch[d] = se[d]
  }
}

active proctype World() {
  byte d, s, e, m;
  bool opens;
end:
  do
  :: atomic { select (d : 0 .. 1); data(d); d = 0 }
  :: atomic { select (d : 0 .. 1); step(d); d = 0 }
  :: atomic { select (d : 0 .. 1); acknowledge(d); d = 0 }
  :: atomic { select (d : 0 .. 1); offer(d); d = 0 }
  :: atomic { select (d : 0 .. 1); select (e : 0 .. LASTEPOCH); control(d, e); d = 0; e = 0 }
  :: atomic { select (d : 0 .. 1); clear(d); d = 0 }
  :: atomic { select (d : 0 .. 1); hasPrevious[d] -> hasPrevious[d] = false; d = 0 }
  od
}
