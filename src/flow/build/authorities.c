/* Whom a build trusts: authorities for its container, and for the git that fetches its source. */
#include "flow/build/supervision.h"

#include "flow/gateway/authority.h"
#include "platform/os/fd.h"
#include "platform/os/file.h"

#include <errno.h>
#include <unistd.h>

enum { MAX_CA = 64 * 1024, MAX_BUNDLE = 4 * 1024 * 1024 };

/* BUCKET/KEY, with or without "arn:aws:s3:::" in front. */
static int split(struct str text, struct str *ret_bucket, struct str *ret_key, struct err *err) {
    struct aws_arn parts;
    struct str name = aws_arn_parse(text, &parts) ? parts.resource : text;
    size_t slash = str_find_c(name, '/', 0);
    if (slash == (size_t)-1 || slash == 0 || slash + 1 == name.n) {
        return err_set(err, ERR_INVALID, "it is no BUCKET/KEY and no ARN of an object in S3");
    }
    *ret_bucket = str_sub(name, 0, slash);
    *ret_key = str_sub(name, slash + 1, name.n);
    return 0;
}

/* environment.certificate, as the build's role may read it. */
static int read_certificate(struct supervision *s, struct str *ret, struct err *err) {
    struct str bucket;
    struct str key;
    struct str text;
    struct aws_body body;
    if (split(s->plan.certificate, &bucket, &key, err) < 0 ||
        object_get(s, bucket, key, STR_NONE, &body, err) < 0) {
        return -1;
    }
    int fd cleanup_fd = body.fd;
    if (lseek(fd, body.offset, SEEK_SET) < 0) {
        return err_sys(err, errno, "read");
    }
    return fd_read_all(&s->arena, fd, MAX_CA, &text, err) < 0
               ? -1
               : cert_bundle(&s->arena, text, ret, err);
}

/* git takes one file: this machine's authorities, and behind them the project's. */
static int write_for_git(struct supervision *s, struct str certificate, struct err *err) {
    static const char *const bundles[] = {"/etc/ssl/certs/ca-certificates.crt",
                                          "/etc/pki/tls/certs/ca-bundle.crt"};
    struct str usual = S("");
    for (size_t i = 0; i < sizeof(bundles) / sizeof(bundles[0]) && usual.n == 0; i++) {
        if (file_exists(bundles[i]) &&
            file_read(&s->arena, bundles[i], MAX_BUNDLE, &usual, err) < 0) {
            return -1;
        }
    }
    s->ca_file = str_printf(&s->arena, "%s/authorities.pem", s->dir).p;
    return file_write(
        s->ca_file,
        str_printf(&s->arena, STR_FMT "\n" STR_FMT, STR_ARG(usual), STR_ARG(certificate)), 0644,
        err);
}

static int add_certificate(struct supervision *s, struct str *ret, struct err *err) {
    struct str pem;
    if (read_certificate(s, &pem, err) < 0 || write_for_git(s, pem, err) < 0) {
        return err_wrap(err, "Certificate " STR_FMT " cannot be used",
                        STR_ARG(s->plan.certificate));
    }
    *ret = str_concat(&s->arena, *ret, pem);
    return 0;
}

int find_authorities(struct supervision *s, struct str *ret, struct err *err) {
    struct cert_pair ours;
    struct str theirs = S("");
    struct arena *a = &s->arena;
    if (authority_open(a, str_z(a, s->plan.data_dir), s->clock, &ours, err) < 0 ||
        (s->plan.ca_file.n > 0 &&
         file_read(a, str_z(a, s->plan.ca_file), MAX_CA, &theirs, err) < 0)) {
        return err_wrap(err, "authorities");
    }
    *ret = str_printf(a, STR_FMT STR_FMT STR_FMT, STR_ARG(ours.cert_pem),
                      STR_ARG(authority_of_machine(a, NULL)), STR_ARG(theirs));
    return s->plan.certificate.n > 0 ? add_certificate(s, ret, err) : 0;
}
