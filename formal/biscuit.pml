/* The stateless responder: HELLO, RESPONSE with the biscuit, the two parts of AUTH_PROOF, FINAL, and
   restarts that lose everything but the committed counter (docs/protocol.md 2.4, 2.6, 2.7, 2.10;
   docs/decisions/0003 and 0006).

   The network is the adversary: every message ever sent may be delivered at any time, in any order, any
   number of times, or never. It can also invent proof parts around a biscuit it saw; without the seed
   it can't make mac2. A session's keys depend on the HELLO and on the RESPONSE that answers it, so a
   session is named by its RESPONSE, r.

   Properties:
   P1  Keys are installed at most once for a session and at most once for a counter.
   P2  The initiator completes r only if the responder installed r; r is the session its proof was for.
   P3  Memory for a part is given to mac2's owners only, and the parts joined are of one session.
   P4  Once a FINAL for a counter has left, no HELLO with this counter, or a lower one, is answered,
       also after a restart.
   P5  No biscuit from before a restart is accepted.
   P6  A session that the initiator uses and the responder has confirmed lives on the responder until
       the initiator has completed another, or the responder restarts.

   -DBUG_REINSTALL  the same proof again installs again: P1
   -DBUG_NOMAC      a part is kept before mac2 is checked: P3
   -DBUG_MIX        the part kept is not bound to its session: P3
   -DBUG_LATE       the counter is committed some time after FINAL: P4
   -DBUG_OLDKEY     the biscuit key survives a restart: P5
   -DBUG_BREAK      a new session replaces the old one before its initiator has spoken: P6
   -DREACH          no property: shows that the last attempt completes after every restart */

#define COUNTERS 3        /* attempts of the initiator: 1, 2, 3 */
#define RESPONSES 4       /* RESPONSEs made in all */
#define RESTARTS 2

typedef Response { byte counter; byte key };
Response response[RESPONSES + 1];      /* 0 is none */
byte responses = 0;

/* The initiator. */
byte attempt = 0;
byte answering = 0;                    /* the RESPONSE this attempt verified */
byte completed = 0;                    /* the session it uses */
bool proven[RESPONSES + 1];            /* it sent both parts for r */

/* The responder's disk. */
byte committed = 0;

/* The responder's memory. */
byte accepted = 0;                     /* the highest counter, as it knows it */
byte key = 1;                          /* the biscuit key, and the oldest it still opens */
byte oldestKey = 1;
byte part[2];                          /* the session whose part it keeps; 255 is an invented one */
byte answeredSession = 0;              /* whose FINAL it can send again */
byte confirmed = 0, unconfirmed = 0;

/* What happened. */
byte installs[RESPONSES + 1];
byte acceptances[COUNTERS + 1];
bool finalSent[RESPONSES + 1];
byte finalCounter = 0;                 /* the highest counter a FINAL left for */
byte restarts = 0;
byte bootOfKey = 1;                    /* the first key of this run of the responder */
byte current = 0;                      /* confirmed, in use by the initiator, and not lost by a restart */

inline attemptAgain() {
  d_step { attempt < COUNTERS -> attempt++; answering = 0 }
}

/* A HELLO of counter c: the initiator's, sent again, or replayed. mac1 holds for all of these. */
inline takeHello(c) {
  d_step {
    c > accepted && responses < RESPONSES ->
    assert(c > finalCounter);                                            /* P4 */
    responses++;
    response[responses].counter = c;
    response[responses].key = key
  }
}

/* Its challenge verifies only for the HELLO that is under way. */
inline takeResponse(r) {
  d_step {
    answering == 0 && r <= responses && response[r].counter == attempt && attempt > 0 ->
    answering = r;
    proven[r] = true
  }
}

inline install(r) {
  assert(response[r].key >= bootOfKey);                                  /* P5 */
  accepted = response[r].counter;
#ifndef BUG_LATE
  committed = accepted;
#endif
  installs[r]++;
  acceptances[response[r].counter]++;
  assert(installs[r] == 1 && acceptances[response[r].counter] == 1);    /* P1 */
  part[0] = 0; part[1] = 0;
  answeredSession = r;
  finalSent[r] = true;
  finalCounter = (response[r].counter > finalCounter -> response[r].counter : finalCounter);
#ifdef BUG_BREAK
  confirmed = r
#else
  unconfirmed = r
#endif
}

/* Part i of the proof for session r; `genuine` ones carry the initiator's mac2. */
inline takePart(r, i, genuine) {
  d_step {
    r <= responses && response[r].key >= oldestKey && (proven[r] || !genuine) ->
    if
    :: answeredSession != 0 && response[answeredSession].counter == response[r].counter ->
#ifdef BUG_REINSTALL
       if :: genuine && r == answeredSession -> install(r) :: else -> skip fi
#else
       skip                            /* the same bytes: FINAL again; any others: dropped */
#endif
    :: else ->
       if
       :: response[r].counter <= accepted -> skip
#ifndef BUG_NOMAC
       :: response[r].counter > accepted && !genuine -> skip
#endif
       :: else ->
#ifdef BUG_MIX
          part[i] = (genuine -> r : 255);
#else
          if
          :: part[1 - i] != r && part[1 - i] != 0 -> part[1 - i] = 0    /* one unfinished proof a pair */
          :: else -> skip
          fi;
          part[i] = (genuine -> r : 255);
#endif
          assert(part[i] != 255);                                        /* P3 */
          if
          :: part[1 - i] != 0 ->
             assert(part[0] == part[1]);                                 /* P3 */
             install(r)
          :: else -> skip
          fi
       fi
    fi
  }
}

inline takeFinal(r) {
  d_step {
    finalSent[r] && answering == r && completed != r ->
    assert(installs[r] == 1);                                            /* P2 */
    completed = r;
    current = 0;
#ifdef REACH
    assert(!(response[r].counter == COUNTERS && restarts == RESTARTS && installs[1] == 1))
#endif
  }
}

/* A frame of the session the initiator uses reaches the responder, which may or may not know it. */
inline takeFrame() {
  d_step {
    completed != 0 ->
    if
    :: unconfirmed == completed -> confirmed = completed; unconfirmed = 0; current = completed
    :: confirmed == completed -> current = completed
    :: else -> assert(current != completed)                              /* P6 */
    fi
  }
}

inline restart() {
  d_step {
    restarts < RESTARTS ->
    restarts++;
    key++;
#ifndef BUG_OLDKEY
    oldestKey = key;
#endif
    bootOfKey = key;
    accepted = committed;
    part[0] = 0; part[1] = 0;
    answeredSession = 0;
    confirmed = 0; unconfirmed = 0; current = 0
  }
}

/* FINALs are repeated for ten seconds and no longer; parts are kept as long. */
inline forget() {
  d_step { answeredSession != 0 || part[0] != 0 || part[1] != 0 -> answeredSession = 0; part[0] = 0; part[1] = 0 }
}

active proctype World() {
  byte r, i, c;
end:
  do
  :: attemptAgain()
  :: atomic { attempt > 0 -> select (c : 1 .. attempt); takeHello(c) ; c = 0 }
  :: atomic { responses > 0 -> select (r : 1 .. responses); takeResponse(r); r = 0 }
  :: atomic { responses > 0 -> select (r : 1 .. responses); select (i : 0 .. 1); takePart(r, i, true); r = 0; i = 0 }
  :: atomic { responses > 0 -> select (r : 1 .. responses); select (i : 0 .. 1); takePart(r, i, false); r = 0; i = 0 }
  :: atomic { responses > 0 -> select (r : 1 .. responses); takeFinal(r); r = 0 }
  :: takeFrame()
  :: restart()
  :: forget()
#ifdef BUG_LATE
  :: d_step { committed != accepted -> committed = accepted }
#endif
  od
}
