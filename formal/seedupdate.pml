/* SEED_UPDATE, a new seed for a device that nobody can reach (docs/protocol.md 2.13).

   Seeds are epochs 1 (the first), 2 and 3. Each end has what is on its disk, and what a running program is in the
   middle of; a power cut leaves the disk. Messages of a session and handshakes may be lost, at any time, for ever;
   a session ends at any time. The overlap of each end may pass at any time, early or late: no clock is trusted.

   A handshake with an epoch succeeds if both disks accept it. The responder's "proven" comes from the first packet
   after FINAL, so the initiator knows before the responder, and either may die before it has noted it.

   Properties:
   P1  At every moment there is an epoch that both disks accept: the pair can connect again.
   P2  An end forgets an epoch only for one that the other end has on its disk.

   -DBUG_OFFERFIRST    the collector offers a seed before it is on its disk: P1
   -DBUG_PROMOTEONACK  the device answers before the seed is on its disk, and the collector promotes on that
                       answer instead of a handshake: P1
   -DBUG_REPLACENEXT   the collector makes another seed while one waits for its proof: P1
   -DBUG_NOOVERLAP     the collector drops the present seed when it makes the next one: P1
   -DEAGER_DEVICE      the device drops the present seed when it stores the next one: holds, for the collector has
                       the next one already; what the device keeps is for a collector that comes back from a backup
   -DREACH             no property: shows that the third seed becomes current at both ends */

#ifdef BUG_PROMOTEONACK
#define BUG_ACKFIRST
#endif
#ifdef BUG_REPLACENEXT
#define MAY_MAKE true
#else
#define MAY_MAKE (cNext == NONE)
#endif

#define EPOCHS 4          /* 1, 2, 3 */
#define NONE 0

/* What the disks say: next, current, previous. */
byte dNext = NONE, dCurrent = 1, dPrevious = NONE;
byte cNext = NONE, cCurrent = 1, cPrevious = NONE;
/* What the programs have in memory only. */
byte dUnwritten = NONE, cUnwritten = NONE;
/* The session: the epoch it was made with; what each end still has to note of it. */
byte session = NONE;
bool dOwesPromotion = false, cOwesPromotion = false;
/* On the way. */
byte offer = NONE, stored = NONE;
byte made = 1;

#define D_HAS(e) (e != NONE && (dNext == e || dCurrent == e || dPrevious == e))
#define C_HAS(e) (e != NONE && (cNext == e || cCurrent == e || cPrevious == e))
#define COMMON ((D_HAS(1) && C_HAS(1)) || (D_HAS(2) && C_HAS(2)) || (D_HAS(3) && C_HAS(3)))

inline endSession() { session = NONE; offer = NONE; stored = NONE; dOwesPromotion = false; cOwesPromotion = false }

inline promoteDevice(e) {
  if
  :: dNext == e -> dPrevious = dCurrent; dCurrent = dNext; dNext = NONE; assert(C_HAS(dCurrent))   /* P2 */
  :: else -> skip
  fi
}

inline promoteCollector(e) {
  if
  :: cNext == e -> cPrevious = cCurrent; cCurrent = cNext; cNext = NONE; assert(D_HAS(cCurrent))   /* P2 */
  :: else -> skip
  fi
}

/* The device writes the offered seed as its next one, in the place of any that waits. */
inline store(e) {
  if
  :: D_HAS(e) || e < dCurrent -> skip
  :: else ->
    dNext = e
#ifdef EAGER_DEVICE
    ; dPrevious = NONE; dCurrent = e; dNext = NONE
#endif
  fi
}

inline check() {
#ifdef REACH
  assert(!(dCurrent == 3 && cCurrent == 3))
#else
  assert(COMMON)                                                    /* P1 */
#endif
}

active proctype World() {
  byte e;
end:
  do
  /* The collector makes the next seed, when the last one is done with, and a session may carry it. */
  :: d_step { made < EPOCHS - 1 && MAY_MAKE && cUnwritten == NONE ->
       made++;
#ifdef BUG_OFFERFIRST
       cUnwritten = made
#else
       cNext = made
#endif
#ifdef BUG_NOOVERLAP
       ; cCurrent = NONE
#endif
     } check()
#ifdef BUG_OFFERFIRST
  :: d_step { cUnwritten != NONE -> cNext = cUnwritten; cUnwritten = NONE } check()
  :: d_step { session != NONE && cUnwritten != NONE && session != cUnwritten -> offer = cUnwritten }
#endif
  :: d_step { session != NONE && cNext != NONE && session != cNext -> offer = cNext }

  /* The device stores it and answers. */
#ifdef BUG_ACKFIRST
  :: d_step { offer != NONE && session != NONE -> stored = offer; dUnwritten = offer; offer = NONE }
  :: d_step { dUnwritten != NONE -> store(dUnwritten); dUnwritten = NONE } check()
#else
  :: d_step { offer != NONE && session != NONE -> store(offer); if :: D_HAS(offer) -> stored = offer :: else -> skip fi; offer = NONE } check()
#endif
#ifdef BUG_PROMOTEONACK
  :: d_step { stored != NONE && cNext == stored -> cCurrent = cNext; cNext = NONE; cPrevious = NONE; stored = NONE } check()
#endif

  /* A handshake with any epoch that both accept; the network chooses which by losing the others. */
  :: d_step { session == NONE && D_HAS(1) && C_HAS(1) -> session = 1; dOwesPromotion = true; cOwesPromotion = true }
  :: d_step { session == NONE && D_HAS(2) && C_HAS(2) -> session = 2; dOwesPromotion = true; cOwesPromotion = true }
  :: d_step { session == NONE && D_HAS(3) && C_HAS(3) -> session = 3; dOwesPromotion = true; cOwesPromotion = true }
  /* FINAL is there before the packet that proves it, so the device is told first, and may fail to write. */
  :: d_step { dOwesPromotion -> promoteDevice(session); dOwesPromotion = false } check()
  :: d_step { dOwesPromotion -> dOwesPromotion = false }
  :: d_step { cOwesPromotion -> promoteCollector(session); cOwesPromotion = false } check()
  :: d_step { cOwesPromotion -> cOwesPromotion = false }

  /* Overlaps pass, whenever; a session made with what is gone ends. */
  :: d_step { dPrevious != NONE -> if :: session == dPrevious -> endSession() :: else -> skip fi; dPrevious = NONE } check()
  :: d_step { cPrevious != NONE -> if :: session == cPrevious -> endSession() :: else -> skip fi; cPrevious = NONE } check()

  /* Losses, ends and power cuts. */
  :: d_step { offer != NONE -> offer = NONE }
  :: d_step { session != NONE -> endSession() }
  :: d_step { dUnwritten = NONE; endSession() } check()
  :: d_step { cUnwritten = NONE; endSession() } check()
  od
}
