/* Implementation of platform/crypto/cert.h. */
#include "platform/crypto/cert.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>

enum { HOSTS_MAX = 64, HOST_MAX = 253 };

static void free_key(EVP_PKEY **key) {
    EVP_PKEY_free(*key);
}
static void free_cert(X509 **cert) {
    X509_free(*cert);
}
static void free_bio(BIO **bio) {
    BIO_free_all(*bio);
}
#define CLEANUP_KEY __attribute__((cleanup(free_key)))
#define CLEANUP_CERT __attribute__((cleanup(free_cert)))
#define CLEANUP_BIO __attribute__((cleanup(free_bio)))

static int failed(struct err *err, const char *what) {
    char reason[200] = "no reason given";
    unsigned long code = ERR_get_error();
    if (code != 0) {
        ERR_error_string_n(code, reason, sizeof(reason));
    }
    ERR_clear_error();
    return err_set(err, ERR_INTERNAL, "%s: %s", what, reason);
}

static int add_extension(X509 *cert, X509V3_CTX *ctx, int nid, const char *value, struct err *err) {
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, ctx, nid, value);
    if (extension == NULL) {
        return failed(err, "certificate extension");
    }
    int added = X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
    return added == 1 ? 0 : failed(err, "certificate extension");
}

/* Serial number, validity, subject and public key; issuer, extensions and signature come later. */
static X509 *begin_cert(EVP_PKEY *key, struct str name, int64_t now_ms, int days) {
    X509 *cert = X509_new();
    BIGNUM *serial = BN_new();
    bool ok = cert != NULL && serial != NULL && X509_set_version(cert, X509_VERSION_3) == 1 &&
              BN_rand(serial, 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
              BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(cert)) != NULL &&
              X509_set_pubkey(cert, key) == 1;
    BN_free(serial);
    time_t now = (time_t)(now_ms / 1000);
    X509_NAME *subject = ok ? X509_get_subject_name(cert) : NULL;
    ok = ok && X509_time_adj_ex(X509_getm_notBefore(cert), -1, 0, &now) != NULL &&
         X509_time_adj_ex(X509_getm_notAfter(cert), days, 0, &now) != NULL &&
         X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_ASC, (const unsigned char *)"Trunkline",
                                    -1, -1, 0) == 1 &&
         X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name.p,
                                    (int)(name.n > 64 ? 64 : name.n), -1, 0) == 1;
    if (!ok) {
        X509_free(cert);
        return NULL;
    }
    return cert;
}

static int to_pem(struct arena *a, X509 *cert, EVP_PKEY *key, struct cert_pair *ret,
                  struct err *err) {
    BIO *cert_bio CLEANUP_BIO = BIO_new(BIO_s_mem());
    BIO *key_bio CLEANUP_BIO = BIO_new(BIO_s_secmem());
    if (cert_bio == NULL || key_bio == NULL || PEM_write_bio_X509(cert_bio, cert) != 1 ||
        PEM_write_bio_PKCS8PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL) != 1) {
        return failed(err, "write certificate");
    }
    char *p = NULL;
    long n = BIO_get_mem_data(cert_bio, &p);
    ret->cert_pem = str_dup(a, str_n(p, (size_t)n));
    n = BIO_get_mem_data(key_bio, &p);
    ret->key_pem = str_dup(a, str_n(p, (size_t)n));
    return 0;
}

int cert_make_authority(struct arena *a, struct str common_name, int64_t now_ms, int days,
                        struct cert_pair *ret, struct err *err) {
    EVP_PKEY *key CLEANUP_KEY = EVP_EC_gen("P-256");
    X509 *cert CLEANUP_CERT = key != NULL ? begin_cert(key, common_name, now_ms, days) : NULL;
    if (cert == NULL || X509_set_issuer_name(cert, X509_get_subject_name(cert)) != 1) {
        return failed(err, "make authority");
    }
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
    if (add_extension(cert, &ctx, NID_basic_constraints, "critical,CA:TRUE,pathlen:0", err) < 0 ||
        add_extension(cert, &ctx, NID_key_usage, "critical,keyCertSign,cRLSign", err) < 0 ||
        add_extension(cert, &ctx, NID_subject_key_identifier, "hash", err) < 0) {
        return -1;
    }
    if (X509_sign(cert, key, EVP_sha256()) == 0) {
        return failed(err, "sign authority");
    }
    return to_pem(a, cert, key, ret, err);
}

/* Names go into an extension's text form, in which a comma would begin another entry. */
static bool host_is_plain(struct str host) {
    if (host.n == 0 || host.n > HOST_MAX) {
        return false;
    }
    for (size_t i = 0; i < host.n; i++) {
        char c = host.p[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '.' || c == '_' || c == ':' || (c == '*' && i == 0);
        if (!ok) {
            return false;
        }
    }
    return true;
}

static bool host_is_address(struct str host) {
    bool digits = true;
    for (size_t i = 0; i < host.n; i++) {
        if (host.p[i] == ':') {
            return true;
        }
        digits = digits && ((host.p[i] >= '0' && host.p[i] <= '9') || host.p[i] == '.');
    }
    return digits;
}

static int alternative_names(struct arena *a, const struct str_list *hosts, struct str *ret,
                             struct err *err) {
    struct str names = S("");
    if (hosts->n == 0 || hosts->n > HOSTS_MAX) {
        return err_set(err, ERR_INVALID, "a certificate takes 1 to %d names, not %zu", HOSTS_MAX,
                       hosts->n);
    }
    for (size_t i = 0; i < hosts->n; i++) {
        struct str host = hosts->v[i];
        if (!host_is_plain(host)) {
            return err_set(err, ERR_INVALID, "'" STR_FMT "' is no host name", STR_ARG(host));
        }
        names = str_printf(a, STR_FMT "%s%s:" STR_FMT, STR_ARG(names), i > 0 ? "," : "",
                           host_is_address(host) ? "IP" : "DNS", STR_ARG(host));
    }
    *ret = names;
    return 0;
}

static int read_pair(const struct cert_pair *pair, X509 **ret_cert, EVP_PKEY **ret_key,
                     struct err *err) {
    BIO *cert_bio CLEANUP_BIO = BIO_new_mem_buf(pair->cert_pem.p, (int)pair->cert_pem.n);
    BIO *key_bio CLEANUP_BIO = BIO_new_mem_buf(pair->key_pem.p, (int)pair->key_pem.n);
    *ret_cert = cert_bio != NULL ? PEM_read_bio_X509(cert_bio, NULL, NULL, NULL) : NULL;
    *ret_key = key_bio != NULL ? PEM_read_bio_PrivateKey(key_bio, NULL, NULL, NULL) : NULL;
    return *ret_cert != NULL && *ret_key != NULL ? 0 : failed(err, "read authority");
}

int cert_make_leaf(struct arena *a, const struct cert_pair *authority, const struct str_list *hosts,
                   int64_t now_ms, int days, struct cert_pair *ret, struct err *err) {
    struct str names;
    X509 *ca CLEANUP_CERT = NULL;
    EVP_PKEY *ca_key CLEANUP_KEY = NULL;
    if (alternative_names(a, hosts, &names, err) < 0 ||
        read_pair(authority, &ca, &ca_key, err) < 0) {
        return -1;
    }
    EVP_PKEY *key CLEANUP_KEY = EVP_EC_gen("P-256");
    X509 *cert CLEANUP_CERT = key != NULL ? begin_cert(key, hosts->v[0], now_ms, days) : NULL;
    if (cert == NULL || X509_set_issuer_name(cert, X509_get_subject_name(ca)) != 1) {
        return failed(err, "make certificate");
    }
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, ca, cert, NULL, NULL, 0);
    if (add_extension(cert, &ctx, NID_basic_constraints, "critical,CA:FALSE", err) < 0 ||
        add_extension(cert, &ctx, NID_key_usage, "critical,digitalSignature", err) < 0 ||
        add_extension(cert, &ctx, NID_ext_key_usage, "serverAuth", err) < 0 ||
        add_extension(cert, &ctx, NID_authority_key_identifier, "keyid", err) < 0 ||
        add_extension(cert, &ctx, NID_subject_alt_name, str_z(a, names), err) < 0) {
        return -1;
    }
    if (X509_sign(cert, ca_key, EVP_sha256()) == 0) {
        return failed(err, "sign certificate");
    }
    return to_pem(a, cert, key, ret, err);
}

int cert_make_signer(struct arena *a, struct str common_name, int64_t now_ms, int days,
                     struct cert_pair *ret, struct err *err) {
    EVP_PKEY *key CLEANUP_KEY = EVP_RSA_gen(2048);
    X509 *cert CLEANUP_CERT = key != NULL ? begin_cert(key, common_name, now_ms, days) : NULL;
    if (cert == NULL || X509_set_issuer_name(cert, X509_get_subject_name(cert)) != 1) {
        return failed(err, "make signer");
    }
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
    if (add_extension(cert, &ctx, NID_basic_constraints, "critical,CA:FALSE", err) < 0 ||
        add_extension(cert, &ctx, NID_key_usage, "critical,digitalSignature", err) < 0) {
        return -1;
    }
    if (X509_sign(cert, key, EVP_sha256()) == 0) {
        return failed(err, "sign signer");
    }
    return to_pem(a, cert, key, ret, err);
}

static const EVP_MD *digest_of(enum hash_kind kind) {
    static const EVP_MD *(*const kinds[])(void) = {
        [HASH_MD5] = EVP_md5,
        [HASH_SHA1] = EVP_sha1,
        [HASH_SHA256] = EVP_sha256,
        [HASH_SHA512] = EVP_sha512,
    };
    return kinds[kind]();
}

static void free_context(EVP_MD_CTX **context) {
    EVP_MD_CTX_free(*context);
}
#define CLEANUP_CONTEXT __attribute__((cleanup(free_context)))

int cert_sign(struct arena *a, struct str key_pem, enum hash_kind digest, struct str data,
              struct str *ret, struct err *err) {
    BIO *bio CLEANUP_BIO = BIO_new_mem_buf(key_pem.p, (int)key_pem.n);
    EVP_PKEY *key CLEANUP_KEY = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
    EVP_MD_CTX *context CLEANUP_CONTEXT = EVP_MD_CTX_new();
    size_t size = 0;
    if (key == NULL || context == NULL ||
        EVP_DigestSignInit(context, NULL, digest_of(digest), NULL, key) != 1 ||
        EVP_DigestSign(context, NULL, &size, (const unsigned char *)data.p, data.n) != 1) {
        return failed(err, "sign");
    }
    char *out = arena_alloc(a, size);
    if (EVP_DigestSign(context, (unsigned char *)out, &size, (const unsigned char *)data.p,
                       data.n) != 1) {
        return failed(err, "sign");
    }
    *ret = str_n(out, size);
    return 0;
}

bool cert_verify(struct str cert_pem, enum hash_kind digest, struct str data,
                 struct str signature) {
    BIO *bio CLEANUP_BIO = BIO_new_mem_buf(cert_pem.p, (int)cert_pem.n);
    X509 *cert CLEANUP_CERT = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    EVP_MD_CTX *context CLEANUP_CONTEXT = EVP_MD_CTX_new();
    bool good =
        cert != NULL && context != NULL &&
        EVP_DigestVerifyInit(context, NULL, digest_of(digest), NULL, X509_get0_pubkey(cert)) == 1 &&
        EVP_DigestVerify(context, (const unsigned char *)signature.p, signature.n,
                         (const unsigned char *)data.p, data.n) == 1;
    ERR_clear_error();
    return good;
}

int cert_bundle(struct arena *a, struct str pem, struct str *ret, struct err *err) {
    BIO *in CLEANUP_BIO = BIO_new_mem_buf(pem.p, (int)pem.n);
    BIO *out CLEANUP_BIO = BIO_new(BIO_s_mem());
    size_t found = 0;
    bool wrote = in != NULL && out != NULL;
    while (wrote) {
        X509 *cert CLEANUP_CERT = PEM_read_bio_X509(in, NULL, NULL, NULL);
        if (cert == NULL) {
            break;
        }
        wrote = PEM_write_bio_X509(out, cert) == 1;
        found++;
    }
    unsigned long why = ERR_peek_last_error();
    bool ended = ERR_GET_LIB(why) == ERR_LIB_PEM && ERR_GET_REASON(why) == PEM_R_NO_START_LINE;
    if (!wrote) {
        return failed(err, "certificates");
    }
    ERR_clear_error();
    if (!ended || found == 0) {
        return err_set(err, ERR_INVALID, "%s",
                       found == 0 && ended ? "it holds no certificate in PEM form"
                                           : "it holds a certificate that is damaged");
    }
    char *text = NULL;
    long size = BIO_get_mem_data(out, &text);
    *ret = str_dup(a, str_n(text, (size_t)size));
    return 0;
}
