/* TLS in the name of whatever host the build asked for, by leaf certificates of the data
 * directory's own authority. One context per name, made when it is first asked for. */
#include "flow/gateway/internal.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>

enum { LEAF_DAYS = 30 };

static X509 *read_cert(struct str pem) {
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    return cert;
}

static EVP_PKEY *read_key(struct str pem) {
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    return key;
}

/* Clients that offer HTTP/2 first are content with HTTP/1.1. */
static int choose_http_1(SSL *ssl, const unsigned char **out, unsigned char *out_n,
                         const unsigned char *in, unsigned in_n, void *ud) {
    (void)ssl;
    (void)ud;
    static const unsigned char http_1[] = "\x08http/1.1";
    unsigned char *chosen = NULL;
    if (SSL_select_next_proto(&chosen, out_n, http_1, sizeof(http_1) - 1, in, in_n) !=
        OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_NOACK;
    }
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *new_context(struct gateway *g, struct str host) {
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct cert_pair leaf;
    struct str_list hosts = {&host, 1};
    SSL_CTX *context = NULL;
    if (cert_make_leaf(&a, &g->authority, &hosts, clock_now_ms(g->config.clock), LEAF_DAYS, &leaf,
                       &err) == 0) {
        context = SSL_CTX_new(TLS_server_method());
        X509 *cert = read_cert(leaf.cert_pem);
        EVP_PKEY *key = read_key(leaf.key_pem);
        if (context == NULL || cert == NULL || key == NULL ||
            SSL_CTX_use_certificate(context, cert) != 1 ||
            SSL_CTX_use_PrivateKey(context, key) != 1) {
            SSL_CTX_free(context);
            context = NULL;
        }
        X509_free(cert);
        EVP_PKEY_free(key);
    } else {
        build_log_line(g->config.log, "Gateway: %s", err.msg);
    }
    arena_done(&a);
    if (context != NULL) {
        SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
        SSL_CTX_set_mode(context, SSL_MODE_AUTO_RETRY);
        SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
        SSL_CTX_set_alpn_select_cb(context, choose_http_1, NULL);
    }
    return context;
}

/* The context of a name, with a reference of its own. */
static SSL_CTX *context_of(struct gateway *g, struct str host) {
    pthread_mutex_lock(&g->lock);
    struct tls_name *name = g->names;
    while (name != NULL && !str_ieq(str_c(name->host), host)) {
        name = name->next;
    }
    if (name == NULL && g->names_n < GATEWAY_MAX_TLS_NAMES) {
        SSL_CTX *context = new_context(g, host);
        if (context != NULL) {
            name = mem_alloc(sizeof(*name));
            name->host = (char *)mem_str_dup(host).p;
            name->context = context;
            name->next = g->names;
            g->names = name;
            g->names_n++;
        }
    }
    SSL_CTX *context = name ? name->context : NULL;
    if (context != NULL) {
        SSL_CTX_up_ref(context);
    }
    pthread_mutex_unlock(&g->lock);
    return context;
}

SSL *gateway_accept_tls(struct gateway *g, int fd, struct str host) {
    SSL_CTX *context = context_of(g, host);
    SSL *ssl = context ? SSL_new(context) : NULL;
    SSL_CTX_free(context);
    ERR_clear_error();
    if (ssl == NULL || SSL_set_fd(ssl, fd) != 1 || SSL_accept(ssl) != 1) {
        SSL_free(ssl);
        return NULL;
    }
    return ssl;
}

void gateway_forget_names(struct gateway *g) {
    while (g->names != NULL) {
        struct tls_name *next = g->names->next;
        SSL_CTX_free(g->names->context);
        free(g->names->host);
        free(g->names);
        g->names = next;
    }
}
