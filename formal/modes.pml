/* Both modes enabled at once: what the network can do to the choice of HYBRID or SEED (docs/protocol.md 2.0,
   2.5, 2.6, 2.9). The attacker changes any field of HELLO and RESPONSE, and has one unanswered HELLO from
   the time when the device was allowed SEED alone. It does not have the seed, so it makes no mac1, no
   challenge and no proof; a challenge or a proof made for another transcript does not verify.

   Two locks hold the choice: mac1 over the modes of HELLO, and the transcript under challenge, proof and
   FINAL. Either one alone is enough; -DNO_MAC1 and -DNO_TRANSCRIPT show it with 0 errors.

   Properties:
   P1  If both sides allow HYBRID, neither completes with SEED.
   P2  Both complete with the same mode, and one that both allow.

   -DNO_MAC1         mac1 does not cover the modes: holds
   -DNO_TRANSCRIPT   h1 and h2 do not cover the modes: holds
   -DBUG_NO_LOCK     neither does: P1
   -DBUG_BISCUIT     the responder takes the mode from AUTH_PROOF and not from its biscuit: P1
   -DREACH           no property: shows that HYBRID completes
   -DREACH_SEED      no property: shows that SEED completes where one side allows only that */

#define SEED 1
#define HYBRID 2

#ifdef BUG_NO_LOCK
#define NO_MAC1
#define NO_TRANSCRIPT
#endif
#ifdef BUG_BISCUIT
#define NO_TRANSCRIPT
#endif

#ifdef NO_MAC1
#define MAC1_HOLDS(n, modes) true
#else
#define MAC1_HOLDS(n, modes) ((n == NEW && modes == device) || (n == OLD && modes == SEED))
#endif
#ifdef NO_TRANSCRIPT
#define SAME_TRANSCRIPT(r, mode) true
#else
#define SAME_TRANSCRIPT(r, mode) (seen[r] == device && chosen[r] == mode)
#endif
#ifdef BUG_BISCUIT
#define PROOF_FITS ((provenMode & collector) != 0)
#else
#define PROOF_FITS (chosen[provenResponse] == provenMode)
#endif

byte device, collector;           /* the modes each allows, as bits */

#define OLD 1                     /* HELLO's nonces */
#define NEW 2

/* RESPONSEs made: what the responder saw and chose, as its biscuit and h2 hold it. */
#define RESPONSES 3
byte nonce[RESPONSES], seen[RESPONSES], chosen[RESPONSES];
byte responses = 0;

/* The initiator, awaiting FINAL. */
bool proven = false;
byte provenResponse, provenMode;
/* What each completed with; 0 is nothing. */
byte atInitiator = 0, atResponder = 0;

inline takeHello(n, modes) {
  d_step {
    responses < RESPONSES && MAC1_HOLDS(n, modes) && (modes & collector) != 0 ->
    nonce[responses] = n;
    seen[responses] = modes;
    chosen[responses] = ((modes & collector & HYBRID) -> HYBRID : SEED);
    responses++
  }
}

/* RESPONSE r with its mode changed to `mode`. The challenge verifies if h2 is the same on both sides. */
inline takeResponse(r, mode) {
  d_step {
    !proven && r < responses && (mode & device) != 0 && nonce[r] == NEW && SAME_TRANSCRIPT(r, mode) ->
    proven = true; provenResponse = r; provenMode = mode
  }
}

/* AUTH_PROOF. In another mode the proof is sealed under another key and has another length. */
inline takeProof() {
  d_step {
    proven && atResponder == 0 && PROOF_FITS ->
    atResponder = provenMode;
    assert(!(atResponder == SEED && (device & collector & HYBRID) != 0));       /* P1 */
    assert((atResponder & device & collector) != 0)                             /* P2 */
  }
}

inline takeFinal() {
  d_step {
    atResponder != 0 && atInitiator == 0 ->
    atInitiator = provenMode;
    assert(!(atInitiator == SEED && (device & collector & HYBRID) != 0));       /* P1 */
    assert(atInitiator == atResponder);                                         /* P2 */
#ifdef REACH
    assert(atInitiator != HYBRID)
#endif
#ifdef REACH_SEED
    assert(atInitiator != SEED)
#endif
  }
}

active proctype World() {
  byte r, n, m;
  select (device : 1 .. 3);
  select (collector : 1 .. 3);
end:
  do
  :: atomic { select (n : 1 .. 2); select (m : 1 .. 3); takeHello(n, m); n = 0; m = 0 }
  :: atomic { select (r : 0 .. RESPONSES - 1); select (m : 1 .. 2); takeResponse(r, m); r = 0; m = 0 }
  :: takeProof()
  :: takeFinal()
  od
}
