/* IDENTITY, a signature over the session's exporter (docs/protocol.md 2.12): a thief with the seed stands between a
   device and a collector that has pinned the device's key. The device alone proves an identity; the collector's
   signature exists in BUG_NOROLE only. The collector hears no stream before it, as in CollectorEndpoint+Identity.

   The thief holds the seed: it completes a session with the device as if it were the collector, and one with
   the collector as if it were the device, and reads and writes in both. Or it stays outside and forwards the
   handshake unchanged; then both ends share one session and one exporter, whose keys the thief has in SEED
   mode only, for in HYBRID mode it knows neither ephemeral key. It copies any signature it has seen.

   A session is named by its exporter. Signatures are pairs (role, exporter) made by the device's key, which
   never leaves it.

   Properties:
   P1  With identity required, the collector takes no data that the device did not send in this session.

   -DBUG_NOEXPORTER  the signature covers no exporter: P1
   -DBUG_NOROLE      the signature covers no role, and the collector signs with the key it has pinned (a
                     relay that is both): P1
   -DBUG_EARLYDATA   data is taken before IDENTITY: P1
   -DSEEDMODE        identity in SEED mode: P1 is violated; identity can be required in HYBRID mode only
   -DFIRSTCONTACT    the key is pinned at first contact, and the thief, with a key of its own, may come first: P1
                     is violated, which is what trust on first use costs
   -DREACH           no property: shows that the device's data is taken */

#define NONE 0
#define DEVICE 1
#define COLLECTOR 2
#define SESSIONS 3        /* exporters 1, 2, 3 */

#ifdef BUG_NOROLE
#define SIGNED(e) (signedByDevice[e] || signedByCollector[e])
#else
#define SIGNED(e) signedByDevice[e]
#endif
#ifdef BUG_NOEXPORTER
#define SAME_EXPORTER(s, e) true
#else
#define SAME_EXPORTER(s, e) (s == e)
#endif
#ifdef BUG_EARLYDATA
#define KNOWN(s) true
#else
#define KNOWN(s) verified[s]
#endif
#ifdef SEEDMODE
#define READABLE true
#else
#define READABLE false
#endif

byte deviceEnd[SESSIONS + 1];       /* DEVICE or NONE: who the initiator really is */
byte collectorEnd[SESSIONS + 1];
bool thiefHasKeys[SESSIONS + 1];
byte sessions = 0;

bool signedByDevice[SESSIONS + 1];      /* (initiator, exporter) under the device's key */
bool signedByCollector[SESSIONS + 1];   /* (responder, exporter) */
#ifdef FIRSTCONTACT
#define NOBODY 0
#define HONEST 1
#define THIEF 2
byte pinned = NOBODY;
#endif
bool verified[SESSIONS + 1];            /* the collector has verified IDENTITY in this session */
bool sentByDevice[SESSIONS + 1];

inline handshake(d, k, thief) {
  d_step {
    sessions < SESSIONS ->
    sessions++;
    deviceEnd[sessions] = d;
    collectorEnd[sessions] = k;
    thiefHasKeys[sessions] = thief
  }
}

/* A signature made for exporter e shown to the collector in session s. */
inline takeIdentity(s, e) {
  d_step {
    s <= sessions && e <= sessions && collectorEnd[s] == COLLECTOR &&
    (thiefHasKeys[s] || deviceEnd[s] == DEVICE) && SIGNED(e) && SAME_EXPORTER(s, e) ->
#ifdef FIRSTCONTACT
    if :: pinned != THIEF -> pinned = HONEST; verified[s] = true :: else -> skip fi
#else
    verified[s] = true
#endif
  }
}

#ifdef FIRSTCONTACT
/* The first identity that is proven in any session is pinned; the thief's key signs whatever it likes. */
inline takeThiefsIdentity(s) {
  d_step {
    s <= sessions && collectorEnd[s] == COLLECTOR && thiefHasKeys[s] && pinned != HONEST ->
    pinned = THIEF; verified[s] = true
  }
}
#endif

inline takeData(s, byThief) {
  d_step {
    s <= sessions && collectorEnd[s] == COLLECTOR && (byThief -> thiefHasKeys[s] : sentByDevice[s]) && KNOWN(s) ->
    assert(!byThief);                                              /* P1 */
#ifdef REACH
    assert(byThief)
#endif
  }
}

active proctype World() {
  byte s, e;
end:
  do
  :: handshake(DEVICE, COLLECTOR, READABLE)  /* nobody between, or a thief that forwards */
  :: handshake(DEVICE, NONE, true)           /* the thief poses as the collector */
  :: handshake(NONE, COLLECTOR, true)        /* the thief poses as the device */
  :: atomic { select (s : 1 .. SESSIONS); if :: s <= sessions && deviceEnd[s] == DEVICE -> signedByDevice[s] = true :: else -> skip fi; s = 0 }
  :: atomic { select (s : 1 .. SESSIONS); if :: s <= sessions && collectorEnd[s] == COLLECTOR -> signedByCollector[s] = true :: else -> skip fi; s = 0 }
  :: atomic { select (s : 1 .. SESSIONS); if :: s <= sessions && deviceEnd[s] == DEVICE -> sentByDevice[s] = true :: else -> skip fi; s = 0 }
  :: atomic { select (s : 1 .. SESSIONS); select (e : 1 .. SESSIONS); takeIdentity(s, e); s = 0; e = 0 }
#ifdef FIRSTCONTACT
  :: atomic { select (s : 1 .. SESSIONS); takeThiefsIdentity(s); s = 0 }
#endif
  :: atomic { select (s : 1 .. SESSIONS); takeData(s, true); s = 0 }
  :: atomic { select (s : 1 .. SESSIONS); takeData(s, false); s = 0 }
  od
}
