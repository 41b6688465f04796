/*
 * From a reference to a root file system on this machine: found, made or fetched. Fetched images
 * are unpacked once and kept under their digest (IMAGES/sha256-<64>), whatever their names are;
 * what a name means is kept beside them and asked again for each build, unless it is pinned by a
 * digest or a person has pulled it here. Images that needed credentials are always asked for again,
 * with the credentials of who asks.
 */
#pragma once

#include "flow/image/ref.h"
#include "flow/sandbox/image.h"

/* A registry that an administrator has named in trunkline.yml. */
struct image_registry {
    struct str name;    /* as in references: HOST or HOST:PORT */
    struct str address; /* IP or IP:PORT it is reached at, instead of by its name; or absent */
    bool insecure;      /* plain http, or a certificate that nobody signed */
};

struct image_wish {
    struct str text;     /* the reference */
    struct str username; /* for its registry; absent = none */
    struct str password;
    const struct image_registry *registries;
    size_t registries_n;
    bool keep; /* a person wants it here: remember its name for builds */
    /* Asked before a registry that the list above does not have is spoken to: an error refuses it.
     * NULL = all are fine. */
    int (*allow)(void *ud, struct str host, struct err *err);
    /* Asked a few times a second; NULL = never. */
    bool (*cancelled)(void *ud);
    image_progress *progress; /* or NULL */
    void *ud;                 /* of all three */
};

/* Finds it, makes it (debian:), fetches it (oci:, registries). Takes from milliseconds to minutes.
 * A process with one thread; root for what is not there yet. */
int image_get(struct arena *a, const struct image_wish *wish, struct image *ret,
              struct err *err) MUST_USE;
