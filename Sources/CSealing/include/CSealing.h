// The few functions of BoringSSL's AEAD, HKDF and HMAC, and its comparison in constant time, that swift-crypto 4.5.2 links but does not
// export. Declared here, defined there: the exact version pin in Package.swift, the link test and
// the known-answer tests stand guard (docs/decisions/0002).
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef struct evp_aead_st CSealingAlgorithm;
typedef struct evp_aead_ctx_st CSealingContext;

const CSealingAlgorithm *CCryptoBoringSSL_EVP_aead_aes_256_gcm(void);
const CSealingAlgorithm *CCryptoBoringSSL_EVP_aead_chacha20_poly1305(void);

CSealingContext *CCryptoBoringSSL_EVP_AEAD_CTX_new(const CSealingAlgorithm *aead,
                                                   const uint8_t *key, size_t key_len,
                                                   size_t tag_len);
void CCryptoBoringSSL_EVP_AEAD_CTX_free(CSealingContext *ctx);

int CCryptoBoringSSL_EVP_AEAD_CTX_seal_scatter(
    const CSealingContext *ctx, uint8_t *out, uint8_t *out_tag, size_t *out_tag_len,
    size_t max_out_tag_len, const uint8_t *nonce, size_t nonce_len, const uint8_t *in,
    size_t in_len, const uint8_t *extra_in, size_t extra_in_len, const uint8_t *ad,
    size_t ad_len);

int CCryptoBoringSSL_EVP_AEAD_CTX_open_gather(const CSealingContext *ctx, uint8_t *out,
                                              const uint8_t *nonce, size_t nonce_len,
                                              const uint8_t *in, size_t in_len,
                                              const uint8_t *in_tag, size_t in_tag_len,
                                              const uint8_t *ad, size_t ad_len);

// 0 if the bytes are equal; its time depends on their number alone.
int CCryptoBoringSSL_CRYPTO_memcmp(const void *a, const void *b, size_t len);

typedef struct env_md_st CSealingDigest;

const CSealingDigest *CCryptoBoringSSL_EVP_sha256(void);

int CCryptoBoringSSL_HKDF_extract(uint8_t *out_key, size_t *out_len, const CSealingDigest *digest,
                                  const uint8_t *secret, size_t secret_len, const uint8_t *salt,
                                  size_t salt_len);

int CCryptoBoringSSL_HKDF_expand(uint8_t *out_key, size_t out_len, const CSealingDigest *digest,
                                 const uint8_t *prk, size_t prk_len, const uint8_t *info,
                                 size_t info_len);

uint8_t *CCryptoBoringSSL_HMAC(const CSealingDigest *digest, const void *key, size_t key_len,
                               const uint8_t *data, size_t data_len, uint8_t *out,
                               unsigned int *out_len);

void CCryptoBoringSSL_OPENSSL_cleanse(void *ptr, size_t len);
