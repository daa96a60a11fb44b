import Glibc
import NIOCore
import NIOSSL
import Synchronization

/// The server's certificate and key, read again when their files have changed, so that renewing them
/// needs no restart.
final class Certificate: Sendable {
  private struct Loaded: Sendable {
    var context: NIOSSLContext
    var stamp: [Int]
    var checkedAt: NIODeadline
  }

  private static let checkInterval = TimeAmount.seconds(10)

  private let chain: String
  private let key: String
  private let state: Mutex<Loaded>
  /// Told of a renewed certificate that can't be used; the old one stays.
  private let trouble: @Sendable (String) -> Void

  init(chain: String, key: String, trouble: @escaping @Sendable (String) -> Void) throws(WebSocketServerFailure) {
    self.chain = chain
    self.key = key
    self.trouble = trouble
    state = Mutex(Loaded(context: try Self.load(chain, key), stamp: Self.stamp(chain, key), checkedAt: .now()))
  }

  /// For the next connection.
  var context: NIOSSLContext {
    state.withLock { loaded in
      guard NIODeadline.now() >= loaded.checkedAt + Self.checkInterval else { return loaded.context }
      loaded.checkedAt = .now()
      let stamp = Self.stamp(chain, key)
      if stamp != loaded.stamp {
        loaded.stamp = stamp
        do { loaded.context = try Self.load(chain, key) } catch { trouble("\(error); the last good one stays in use") }
      }
      return loaded.context
    }
  }

  static func load(_ chain: String, _ key: String) throws(WebSocketServerFailure) -> NIOSSLContext {
    guard let certificates = try? NIOSSLCertificate.fromPEMFile(chain), !certificates.isEmpty else {
      throw WebSocketServerFailure("\(chain) holds no certificate (PEM) that this user can read")
    }
    guard let secret = try? NIOSSLPrivateKey(file: key, format: .pem) else {
      throw WebSocketServerFailure("\(key) holds no private key (PEM, without a passphrase) that this user can read")
    }
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: certificates.map { .certificate($0) }, privateKey: .privateKey(secret))
    configuration.minimumTLSVersion = .tlsv12
    do { return try NIOSSLContext(configuration: configuration) } catch {
      throw WebSocketServerFailure("\(key) is not the key of the first certificate in \(chain): \(error)")
    }
  }

  /// Changes whenever one of the files does.
  private static func stamp(_ paths: String...) -> [Int] {
    paths.flatMap { path in
      var status = stat()
      guard stat(path, &status) == 0 else { return [-1] }
      return [Int(status.st_ino), Int(status.st_size), status.st_mtim.tv_sec, status.st_mtim.tv_nsec]
    }
  }
}
