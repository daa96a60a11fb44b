import Testing

/// Real processes, real datagrams on loopback, real files. Suites run beside each other, since each
/// test has ports and directories of its own; the tests of most suites one after another, since they
/// share two cores with everything else.
@Suite(.enabled(if: Programs.directory != nil, "needs the built programs: `swift build`, or STT_TEST_PROGRAMS"))
struct EndToEnd {}
