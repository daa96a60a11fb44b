import CLinux

/// The kernel's clocks, in nanoseconds.
public enum Clocks {
  /// CLOCK_MONOTONIC: counts on through every change of the wall clock.
  public static var monotonic: UInt64 { clinux_monotonic_ns() }
  /// CLOCK_REALTIME: since 1970-01-01T00:00:00Z, as far as this machine knows.
  public static var wall: UInt64 { clinux_realtime_ns() }
  /// CPU time this process has used, all threads together.
  public static var processCPU: UInt64 { clinux_process_cpu_ns() }
}

/// What the processor can do.
public enum Processor {
  /// Whether it has AES and carry-less multiplication, by cpuid or hwcap.
  public static var hasAESInstructions: Bool { clinux_has_aes() == 1 }
  /// How many processors this program may use; at least 1.
  public static var count: Int { max(1, Int(clinux_processor_count())) }
  /// Keeps the calling thread, and the threads and programs it starts from now on, on one processor, counted from
  /// 0. `false`: there is no such one for this program.
  public static func pin(to processor: Int) -> Bool { clinux_pin(CInt(clamping: processor)) == 0 }
}
