/* GetRandomPassword. */
#include "services/secretsmanager/sm.h"

enum { LENGTH = 32, LENGTH_MAX = 4096, TYPES = 5 };

/* Characters of one type that may be used. */
struct type {
    const char *characters;
    bool excluded;
};

struct choice {
    char v[128];
    size_t n;
};

/* Uniform below n (at most 256): bytes beyond the last whole multiple are thrown away. */
static size_t below(struct call *c, size_t n) {
    unsigned char byte = 0;
    size_t whole = 256 - 256 % n;
    do {
        c->rng->fill(c->rng->ud, &byte, 1);
    } while (byte >= whole);
    return byte % n;
}

static struct choice usable(const struct type *t, struct str exclude) {
    struct choice r = {.n = 0};
    for (const char *p = t->characters; !t->excluded && *p != '\0'; p++) {
        if (str_find_c(exclude, *p, 0) == (size_t)-1) {
            r.v[r.n++] = *p;
        }
    }
    return r;
}

/* One of each type at places of its own, the rest from all of them. */
static struct str make(struct call *c, const struct choice *types, const struct choice *all,
                       size_t length, bool each) {
    char *p = arena_alloc(c->arena, length);
    size_t n = 0;
    for (size_t i = 0; each && i < TYPES; i++) {
        if (types[i].n > 0) {
            p[n++] = types[i].v[below(c, types[i].n)];
        }
    }
    while (n < length) {
        p[n++] = all->v[below(c, all->n)];
    }
    /* Shuffled, so that no place tells its type; the random number is built of two bytes. */
    for (size_t i = length; each && i > 1; i--) {
        size_t k = 0;
        do {
            k = below(c, 256) << 8 | below(c, 256);
        } while (k >= 65536 - 65536 % i);
        k %= i;
        char swap = p[i - 1];
        p[i - 1] = p[k];
        p[k] = swap;
    }
    return str_n(p, length);
}

int secretsmanager_get_random_password(struct call *c,
                                       const struct secretsmanager_get_random_password_request *in,
                                       struct secretsmanager_get_random_password_response *out,
                                       struct err *err) {
    const struct type types[TYPES] = {
        {"abcdefghijklmnopqrstuvwxyz", in->exclude_lowercase},
        {"ABCDEFGHIJKLMNOPQRSTUVWXYZ", in->exclude_uppercase},
        {"0123456789", in->exclude_numbers},
        {"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", in->exclude_punctuation},
        {" ", !in->include_space},
    };
    struct choice each[TYPES], all = {.n = 0};
    bool require = !in->has_require_each_included_type || in->require_each_included_type;
    size_t length = in->has_password_length ? (size_t)in->password_length : LENGTH;
    size_t required = 0;
    for (size_t i = 0; i < TYPES; i++) {
        each[i] = usable(&types[i], in->exclude_characters);
        memcpy(all.v + all.n, each[i].v, each[i].n);
        all.n += each[i].n;
        required += each[i].n > 0;
    }
    if (all.n == 0) {
        return err_api(err, &secretsmanager_InvalidParameterException,
                       "The password has no characters left: not every type may be excluded.");
    }
    if (length < 1 || length > LENGTH_MAX || (require && length < required)) {
        return err_api(err, &secretsmanager_InvalidParameterException,
                       "Password length is too short based on the required types.");
    }
    out->random_password = make(c, each, &all, length, require);
    return 0;
}
