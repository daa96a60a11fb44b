/* AUTH_PROOF and FINAL over a network that loses, repeats, reorders and replays (docs/protocol.md
   2.10). The proof is one message here; biscuit.pml has its parts, the biscuit and restarts.

   Properties:
   P1  The responder installs the keys of one handshake counter at most once, so packet numbers never
       begin again under a key already used.
   P2  The initiator completes only attempts whose keys the responder installed.

   -DBUG_REINSTALL   a repeated AUTH_PROOF is taken as a new one: violates P1
   -DBUG_EARLYFINAL  FINAL leaves for any counter, installed or not: violates P2
   -DREACH           no property: shows that the last attempt completes */

#define ATTEMPTS 4
#define BUDGET 4       /* what the network may do besides delivering */

chan proofs = [3] of { byte };
chan finals = [3] of { byte };
byte installs[ATTEMPTS + 1];
byte lastCounter = 0;
byte attempt = 0;
byte established = 0;

active proctype Initiator() {
  byte c;
end:
  do
  :: attempt < ATTEMPTS && nfull(proofs) -> atomic { attempt++; proofs!attempt }
  :: established < attempt && nfull(proofs) -> proofs!attempt      /* sent again */
  :: atomic { finals?c ->
       if
       :: c == attempt -> established = c; assert(installs[c] == 1);  /* P2 */
#ifdef REACH
          assert(c != ATTEMPTS)
#endif
       :: else -> skip
       fi;
       c = 0 }
  od
}

active proctype Responder() {
  byte c;
end:
  do
  :: atomic { proofs?c ->
       if
       :: c > lastCounter ->
#ifdef BUG_EARLYFINAL
          if :: lastCounter = c; installs[c]++ :: skip fi;
#else
          lastCounter = c; installs[c]++;
#endif
          if :: nfull(finals) -> finals!c :: full(finals) -> skip fi
#ifdef BUG_REINSTALL
       :: c == lastCounter -> installs[c]++;
          if :: nfull(finals) -> finals!c :: full(finals) -> skip fi
#else
       :: c == lastCounter ->                                        /* the cached FINAL */
          if :: nfull(finals) -> finals!c :: full(finals) -> skip fi
#endif
       :: c < lastCounter -> skip
       fi;
       assert(installs[c] <= 1);                                     /* P1 */
       c = 0 }
  od
}

active proctype Network() {
  byte c;
  byte budget = BUDGET;
end:
  do
  :: atomic { budget > 0 && nempty(proofs) -> proofs?c; budget--; c = 0 }                    /* lost */
  :: atomic { budget > 0 && nempty(finals) -> finals?c; budget--; c = 0 }
  :: atomic { budget > 0 && nempty(proofs) && nfull(proofs) -> proofs?<c>; proofs!c; budget--; c = 0 }
  :: atomic { budget > 0 && len(proofs) > 1 -> proofs?c; proofs!c; budget--; c = 0 }         /* reordered */
  :: atomic { budget > 0 && attempt > 0 && nfull(proofs) -> select (c : 1 .. attempt); proofs!c; budget--; c = 0 }
  od
}
