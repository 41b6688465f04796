/* Published vectors for digests and checksums; round trips and refusals for the rest. */
#include "../../cmocka_.h"

#include "base/arena.h"
#include "platform/crypto/aead.h"
#include "platform/crypto/cert.h"
#include "platform/crypto/crc.h"
#include "platform/crypto/encode.h"
#include "platform/crypto/hash.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

static struct arena arena;

static void expect_hex(const unsigned char *digest, size_t n, const char *hex) {
    struct str text = hex_encode(&arena, str_n((const char *)digest, n));
    assert_string_equal(str_z(&arena, text), hex);
}

static void test_digests_equal_their_published_vectors(void **state) {
    (void)state;
    unsigned char out[HASH_MAX];
    crypto_sha256(S("abc"), out);
    expect_hex(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    crypto_sha256(STR_NONE, out);
    expect_hex(out, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    crypto_md5(S("abc"), out);
    expect_hex(out, 16, "900150983cd24fb0d6963f7d28e17f72");
    crypto_sha1(S("abc"), out);
    expect_hex(out, 20, "a9993e364706816aba3e25717850c26c9cd0d89d");
}

static void test_hash_in_pieces_equals_hash_at_once_and_starts_again(void **state) {
    (void)state;
    struct hash *h cleanup_hash = hash_new(HASH_SHA256);
    unsigned char out[HASH_MAX];
    for (int round = 0; round < 2; round++) {
        hash_update(h, S("a"));
        hash_update(h, S(""));
        hash_update(h, S("bc"));
        assert_int_equal(hash_end(h, out), 32);
        expect_hex(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}

static void test_hmac_equals_rfc_4231(void **state) {
    (void)state;
    unsigned char out[32];
    crypto_hmac_sha256(S("Jefe"), S("what do ya want for nothing?"), out);
    expect_hex(out, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    char key[131];
    memset(key, 0xaa, sizeof(key));
    crypto_hmac_sha256(str_n(key, sizeof(key)),
                       S("Test Using Larger Than Block-Size Key - Hash Key First"), out);
    expect_hex(out, 32, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void test_checksums_equal_their_published_vectors(void **state) {
    (void)state;
    assert_int_equal(crc32_add(0, S("123456789")), 0xCBF43926u);
    assert_int_equal(crc32c_add(0, S("123456789")), 0xE3069283u);
    assert_true(crc64nvme_add(0, S("123456789")) == 0xAE8B14860A799888ull);
}

static void test_checksum_does_not_depend_on_how_the_bytes_are_cut(void **state) {
    (void)state;
    char data[100];
    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = (char)(i * 37);
    }
    struct str all = str_n(data, sizeof(data));
    for (size_t cut = 0; cut <= sizeof(data); cut++) {
        struct str head = str_sub(all, 0, cut);
        struct str tail = str_sub(all, cut, sizeof(data));
        assert_int_equal(crc32_add(crc32_add(0, head), tail), crc32_add(0, all));
        assert_int_equal(crc32c_add(crc32c_add(0, head), tail), crc32c_add(0, all));
        assert_true(crc64nvme_add(crc64nvme_add(0, head), tail) == crc64nvme_add(0, all));
    }
}

static void test_long_data_has_the_checksum_of_its_short_pieces(void **state) {
    (void)state;
    static char data[3000];
    uint32_t seed = 1;
    for (size_t i = 0; i < sizeof(data); i++) {
        seed = seed * 1664525 + 1013904223;
        data[i] = (char)(seed >> 24);
    }
    for (size_t n = 200; n < sizeof(data); n += 37) {
        uint32_t one = 0;
        uint32_t two = 0;
        uint64_t three = 0;
        struct str all = str_n(data, n);
        for (size_t at = 0; at < n; at += 100) {
            one = crc32_add(one, str_sub(all, at, 100));
            two = crc32c_add(two, str_sub(all, at, 100));
            three = crc64nvme_add(three, str_sub(all, at, 100));
        }
        assert_int_equal(crc32_add(0, all), one);
        assert_int_equal(crc32c_add(0, all), two);
        assert_true(crc64nvme_add(0, all) == three);
    }
}

static void test_hex_takes_both_cases_and_refuses_the_rest(void **state) {
    (void)state;
    struct str bytes;
    assert_true(hex_decode(&arena, S("00fFA5"), &bytes));
    assert_memory_equal(bytes.p, "\x00\xff\xa5", 3);
    assert_false(hex_decode(&arena, S("0"), &bytes));
    assert_false(hex_decode(&arena, S("0g"), &bytes));
}

static void test_base64_equals_rfc_4648_both_ways(void **state) {
    (void)state;
    static const char *const pairs[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct str plain = str_c(pairs[i][0]);
        struct str back;
        assert_true(str_is(base64_encode(&arena, plain), pairs[i][1]));
        assert_true(base64_decode(&arena, str_c(pairs[i][1]), &back));
        assert_true(str_eq(back, plain));
        assert_true(base64url_decode(&arena, base64url_encode(&arena, plain), &back));
        assert_true(str_eq(back, plain));
    }
    assert_true(str_is(base64url_encode(&arena, S("\xfb\xff\xfe")), "-__-"));
}

static void test_base64_refuses_what_is_not_exact(void **state) {
    (void)state;
    struct str out;
    assert_false(base64_decode(&arena, S("Zg"), &out));
    assert_false(base64_decode(&arena, S("Zg="), &out));
    assert_false(base64_decode(&arena, S("Zh=="), &out)); /* bits left over */
    assert_false(base64_decode(&arena, S("Z==="), &out));
    assert_false(base64_decode(&arena, S("Zm9v\n"), &out));
    assert_false(base64_decode(&arena, S("Zm-v"), &out));
    assert_true(base64_decode_lines(&arena, S("Zm\n9v\r\n"), &out));
    assert_true(str_is(out, "foo"));
}

static void test_sealed_value_opens_only_with_its_key_and_context_and_unchanged(void **state) {
    (void)state;
    unsigned char key[AEAD_KEY_BYTES] = {1};
    unsigned char other[AEAD_KEY_BYTES] = {2};
    struct err err = ERR_INIT;
    struct str plain = S("a password");
    struct str sealed = aead_seal(&arena, &rng_system, key, S("ssm/x"), plain);
    struct str opened;
    assert_int_equal(sealed.n, plain.n + AEAD_OVERHEAD);
    assert_int_equal(aead_open(&arena, key, S("ssm/x"), sealed, &opened, &err), 0);
    assert_true(str_eq(opened, plain));
    assert_int_equal(aead_open(&arena, other, S("ssm/x"), sealed, &opened, &err), -1);
    assert_int_equal(err.kind, ERR_DENIED);
    assert_int_equal(aead_open(&arena, key, S("ssm/y"), sealed, &opened, &err), -1);
    assert_int_equal(aead_open(&arena, key, S("ssm/x"), str_sub(sealed, 0, 20), &opened, &err), -1);
    for (size_t i = 0; i < sealed.n; i++) {
        char *changed = arena_memdup(&arena, sealed.p, sealed.n);
        changed[i] ^= 1;
        assert_int_equal(
            aead_open(&arena, key, S("ssm/x"), str_n(changed, sealed.n), &opened, &err), -1);
    }
}

static void test_empty_value_can_be_sealed(void **state) {
    (void)state;
    unsigned char key[AEAD_KEY_BYTES] = {1};
    struct err err = ERR_INIT;
    struct str opened;
    struct str sealed = aead_seal(&arena, &rng_system, key, STR_NONE, S(""));
    assert_int_equal(aead_open(&arena, key, STR_NONE, sealed, &opened, &err), 0);
    assert_int_equal(opened.n, 0);
}

static X509 *read_cert(struct str pem) {
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    assert_non_null(cert);
    return cert;
}

static void test_leaf_is_accepted_for_its_hosts_by_who_trusts_the_authority(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    struct cert_pair authority;
    struct cert_pair leaf;
    struct str hosts[] = {S("ssm.eu-west-2.amazonaws.com"), S("*.s3.eu-west-2.amazonaws.com"),
                          S("127.0.0.1")};
    int64_t now = clock_now_ms(&clock_system);
    assert_int_equal(cert_make_authority(&arena, S("Build authority"), now, 10, &authority, &err),
                     0);
    assert_int_equal(
        cert_make_leaf(&arena, &authority, &(struct str_list){hosts, 3}, now, 5, &leaf, &err), 0);
    X509 *ca = read_cert(authority.cert_pem);
    X509 *cert = read_cert(leaf.cert_pem);
    X509_STORE *store = X509_STORE_new();
    X509_STORE_add_cert(store, ca);
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    X509_STORE_CTX_init(ctx, store, cert, NULL);
    X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_SERVER);
    assert_int_equal(X509_verify_cert(ctx), 1);
    assert_int_equal(X509_check_host(cert, "ssm.eu-west-2.amazonaws.com", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(cert, "b.s3.eu-west-2.amazonaws.com", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(cert, "example.org", 0, 0, NULL), 0);
    assert_int_equal(X509_check_ip_asc(cert, "127.0.0.1", 0), 1);
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    X509_free(cert);
    X509_free(ca);
}

static void test_host_that_would_smuggle_another_name_is_refused(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    struct cert_pair authority;
    struct cert_pair leaf;
    struct str host = S("a.example,DNS:b.example");
    assert_int_equal(cert_make_authority(&arena, S("x"), 1000, 10, &authority, &err), 0);
    assert_int_equal(
        cert_make_leaf(&arena, &authority, &(struct str_list){&host, 1}, 1000, 5, &leaf, &err), -1);
    assert_int_equal(err.kind, ERR_INVALID);
}

static void test_signature_holds_for_its_data_only(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    struct cert_pair signer;
    struct cert_pair other;
    struct str signature;
    assert_int_equal(cert_make_signer(&arena, S("sns"), 1000, 10, &signer, &err), 0);
    assert_int_equal(cert_make_signer(&arena, S("sns"), 1000, 10, &other, &err), 0);
    assert_int_equal(cert_sign(&arena, signer.key_pem, HASH_SHA1, S("text"), &signature, &err), 0);
    assert_true(cert_verify(signer.cert_pem, HASH_SHA1, S("text"), signature));
    assert_false(cert_verify(signer.cert_pem, HASH_SHA1, S("texT"), signature));
    assert_false(cert_verify(signer.cert_pem, HASH_SHA256, S("text"), signature));
    assert_false(cert_verify(other.cert_pem, HASH_SHA1, S("text"), signature));
    assert_int_equal(cert_sign(&arena, S("no key"), HASH_SHA1, S("text"), &signature, &err), -1);
}

static void test_bundle_keeps_certificates_and_nothing_else(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    struct cert_pair one;
    struct cert_pair two;
    struct str bundle;
    assert_int_equal(cert_make_authority(&arena, S("one"), 1000, 10, &one, &err), 0);
    assert_int_equal(cert_make_authority(&arena, S("two"), 1000, 10, &two, &err), 0);
    struct str text =
        str_printf(&arena, "# words\n" STR_FMT STR_FMT "more\r\n" STR_FMT, STR_ARG(one.cert_pem),
                   STR_ARG(one.key_pem), STR_ARG(two.cert_pem));
    assert_int_equal(cert_bundle(&arena, text, &bundle, &err), 0);
    assert_true(str_eq(bundle, str_concat(&arena, one.cert_pem, two.cert_pem)));
}

static void test_bundle_without_a_whole_certificate_is_refused(void **state) {
    (void)state;
    struct err err = ERR_INIT;
    struct cert_pair one;
    struct str bundle;
    assert_int_equal(cert_make_authority(&arena, S("one"), 1000, 10, &one, &err), 0);
    const struct str bad[] = {
        S(""),
        S("text"),
        one.key_pem,
        str_sub(one.cert_pem, 0, one.cert_pem.n / 2),
        S("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
        str_concat(&arena, one.cert_pem,
                   S("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")),
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        err = (struct err)ERR_INIT;
        assert_int_equal(cert_bundle(&arena, bad[i], &bundle, &err), -1);
        assert_int_equal(err.kind, ERR_INVALID);
    }
}

static int teardown(void **state) {
    (void)state;
    arena_done(&arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digests_equal_their_published_vectors),
        cmocka_unit_test(test_hash_in_pieces_equals_hash_at_once_and_starts_again),
        cmocka_unit_test(test_hmac_equals_rfc_4231),
        cmocka_unit_test(test_checksums_equal_their_published_vectors),
        cmocka_unit_test(test_checksum_does_not_depend_on_how_the_bytes_are_cut),
        cmocka_unit_test(test_long_data_has_the_checksum_of_its_short_pieces),
        cmocka_unit_test(test_hex_takes_both_cases_and_refuses_the_rest),
        cmocka_unit_test(test_base64_equals_rfc_4648_both_ways),
        cmocka_unit_test(test_base64_refuses_what_is_not_exact),
        cmocka_unit_test(test_sealed_value_opens_only_with_its_key_and_context_and_unchanged),
        cmocka_unit_test(test_empty_value_can_be_sealed),
        cmocka_unit_test(test_leaf_is_accepted_for_its_hosts_by_who_trusts_the_authority),
        cmocka_unit_test(test_host_that_would_smuggle_another_name_is_refused),
        cmocka_unit_test(test_signature_holds_for_its_data_only),
        cmocka_unit_test(test_bundle_keeps_certificates_and_nothing_else),
        cmocka_unit_test(test_bundle_without_a_whole_certificate_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
