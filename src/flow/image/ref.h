/*
 * Names of images as a project's environment or a person gives them, read and made canonical:
 *
 *   debian-bookworm-build           one of this machine's own, by its name
 *   debian:SUITE[+PACKAGE,...]      made by mmdebstrap from the host's package sources
 *   oci:DIR[:TAG]                   an OCI image layout on this machine
 *   [docker://]HOST/REPOSITORY[:TAG][@sha256:...]   from a registry
 *
 * A reference to a registry is read as docker does: `alpine:3.18` is docker.io/library/alpine:3.18.
 * What has neither ':' nor '/' is always a name of ours. `debian:` followed by something else than
 * a suite in letters (debian:12, debian:bookworm-slim, debian:latest) is docker.io's. Nothing here
 * touches a file or the network.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

enum image_ref_kind {
    IMAGE_REF_NAME,
    IMAGE_REF_DEBIAN,
    IMAGE_REF_OCI,
    IMAGE_REF_REGISTRY,
};

struct image_ref {
    enum image_ref_kind kind;
    struct str text;          /* canonical: two references that mean the same are equal here */
    struct str name;          /* NAME; DEBIAN: the name of ours that it is kept under */
    struct str suite;         /* DEBIAN */
    struct str_list packages; /* DEBIAN: sorted, each once */
    struct str dir;           /* OCI: absolute */
    struct str host;          /* REGISTRY: with its port, if it has one */
    struct str repository;    /* REGISTRY */
    struct str tag;           /* OCI, REGISTRY; absent when a digest is given */
    struct str digest;        /* REGISTRY: "sha256:<64>", or absent */
};

/* ERR_INVALID says what is wrong with it. Strings are arena-owned. */
int image_ref_parse(struct arena *a, struct str text, struct image_ref *ret,
                    struct err *err) MUST_USE;
