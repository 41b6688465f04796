/*
 * Parsed policies in memory, so that a call costs no parsing. Documents are found by their text, a
 * principal's set by its ARN and the count of IAM's changes. A set is kept only when it was read in
 * an outermost transaction, before anything was written in it: what it holds is committed. When the
 * cache is full it is emptied.
 */
#include "services/gate/internal.h"

#include "services/iam/iam_store.h"

#include <stdlib.h>

enum { SLOTS = 512, MAX_ENTRIES = 1024, MAX_BYTES = 8 * 1024 * 1024, MAX_SETS = 512 };

struct text_entry {
    struct text_entry *next;
    uint32_t hash;
    enum policy_use use;
    struct str text;
    bool valid;
    struct policy policy;
};

struct set_entry {
    struct set_entry *next;
    uint32_t hash;
    struct str who; /* ARN and unique id: a role made anew under an old name is another one */
    struct gate_policies set;
};

struct gate_cache {
    struct arena texts; /* entries, texts and parsed policies */
    struct text_entry *text[SLOTS];
    size_t n_texts, bytes;
    struct arena sets;
    struct set_entry *set[SLOTS];
    size_t n_sets;
    uint64_t changes; /* iam_changes() that the sets belong to */
};

struct gate_cache *gate_cache_new(void) {
    return mem_alloc(sizeof(struct gate_cache));
}

void gate_cache_free(struct gate_cache *c) {
    if (c != NULL) {
        arena_done(&c->texts);
        arena_done(&c->sets);
        free(c);
    }
}

static uint32_t hash_of(struct str s) {
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < s.n; i++) {
        hash = (hash ^ (unsigned char)s.p[i]) * 16777619u;
    }
    return hash;
}

static void empty_sets(struct gate_cache *c) {
    arena_done(&c->sets);
    memset(c->set, 0, sizeof(c->set));
    c->n_sets = 0;
}

/* Only between transactions' decisions: sets point into the texts. */
static void make_room(struct gate_cache *c) {
    if (c->n_texts >= MAX_ENTRIES || c->bytes >= MAX_BYTES) {
        empty_sets(c);
        arena_done(&c->texts);
        memset(c->text, 0, sizeof(c->text));
        c->n_texts = 0;
        c->bytes = 0;
    }
    if (c->n_sets >= MAX_SETS) {
        empty_sets(c);
    }
}

const struct policy *gate_cache_policy(struct gate *g, struct str text, enum policy_use use) {
    struct gate_cache *c = g->cache;
    uint32_t hash = hash_of(text);
    for (struct text_entry *e = c->text[hash % SLOTS]; e != NULL; e = e->next) {
        if (e->hash == hash && e->use == use && str_eq(e->text, text)) {
            return e->valid ? &e->policy : NULL;
        }
    }
    struct text_entry *e = arena_new(&c->texts, struct text_entry);
    struct err err = ERR_INIT;
    e->hash = hash;
    e->use = use;
    e->text = str_dup(&c->texts, text);
    e->valid = policy_parse(&c->texts, e->text, use, &e->policy, &err) == 0;
    e->next = c->text[hash % SLOTS];
    c->text[hash % SLOTS] = e;
    c->n_texts++;
    c->bytes += text.n * 4;
    return e->valid ? &e->policy : NULL;
}

static void add_policy(struct gate *g, struct arena *a, struct str text,
                       struct gate_policies *ret) {
    const struct policy *policy = gate_cache_policy(g, text, POLICY_IDENTITY);
    if (policy != NULL) {
        *arena_push(a, ret) = policy;
    }
}

/* Unique id of the role or user behind "AROA...:session" or "AIDA..."; absent = not told. */
static struct str unique_id(const struct aws_principal *p) {
    struct str rest = p->user_id, id = STR_NONE;
    str_cut(&rest, ':', &id);
    return id;
}

/* 1 the owner is still the one that the principal stands for, 0 not, -1 error. */
static int is_alive(struct gate *g, struct arena *a, const struct iam_owner *o, struct str id,
                    struct str *ret_boundary, struct err *err) {
    struct iam_role_row role = {0};
    struct iam_user_row user = {0};
    bool is_role = strcmp(o->kind, "role") == 0;
    int found = is_role ? iam_role_find(g->db, a, o->account, o->name, &role, err)
                        : iam_user_find(g->db, a, o->account, o->name, &user, err);
    *ret_boundary = is_role ? role.boundary : user.boundary;
    return found > 0 ? id.p == NULL || str_eq(id, is_role ? role.id : user.id) : found;
}

static int load(struct gate *g, struct arena *a, const struct iam_owner *o, struct str id,
                struct gate_policies *ret, struct err *err) {
    struct str_map inlined;
    struct str_list attached;
    struct str boundary = STR_NONE;
    *ret = (struct gate_policies){0};
    int alive = is_alive(g, a, o, id, &boundary, err);
    if (alive <= 0) {
        return alive;
    }
    if (boundary.p != NULL) {
        struct str text = STR_NONE;
        int found = iam_policy_document(g->db, a, boundary, &text, err);
        if (found < 0) {
            return -1;
        }
        ret->bounded = true;
        ret->boundary = found > 0 ? gate_cache_policy(g, text, POLICY_IDENTITY) : NULL;
    }
    if (iam_inline_list(g->db, a, o, STR_NONE, -1, &inlined, err) < 0 ||
        iam_attached_list(g->db, a, o, STR_NONE, -1, &attached, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < inlined.n; i++) {
        add_policy(g, a, inlined.v[i].value, ret);
    }
    for (size_t i = 0; i < attached.n; i++) {
        struct str text = STR_NONE;
        int found = iam_policy_document(g->db, a, attached.v[i], &text, err);
        if (found < 0) {
            return -1;
        }
        if (found > 0) {
            add_policy(g, a, text, ret);
        }
    }
    return 0;
}

static bool owner_of(const struct aws_principal *p, struct iam_owner *ret) {
    bool role = p->kind == AWS_PRINCIPAL_ROLE;
    struct str arn = role ? p->role_arn : p->arn;
    struct aws_arn parts;
    if ((!role && p->kind != AWS_PRINCIPAL_USER) || !aws_arn_parse(arn, &parts)) {
        return false;
    }
    size_t slash = str_rfind_c(parts.resource, '/');
    *ret = (struct iam_owner){role ? "role" : "user", parts.account,
                              str_sub(parts.resource, slash + 1, parts.resource.n)};
    return slash != (size_t)-1;
}

int gate_cache_identity(struct gate *g, struct arena *a, const struct aws_principal *p,
                        struct gate_policies *ret, struct err *err) {
    struct gate_cache *c = g->cache;
    struct iam_owner owner;
    *ret = (struct gate_policies){0};
    if (!owner_of(p, &owner)) {
        return 0;
    }
    if (c->changes != iam_changes()) {
        empty_sets(c);
        c->changes = iam_changes();
    }
    make_room(c);
    struct str arn = p->kind == AWS_PRINCIPAL_ROLE ? p->role_arn : p->arn;
    struct str who = str_printf(a, STR_FMT "#" STR_FMT, STR_ARG(arn), STR_ARG(unique_id(p)));
    uint32_t hash = hash_of(who);
    for (struct set_entry *e = c->set[hash % SLOTS]; e != NULL; e = e->next) {
        if (e->hash == hash && str_eq(e->who, who)) {
            *ret = e->set;
            return 0;
        }
    }
    if (load(g, a, &owner, unique_id(p), ret, err) < 0) {
        return -1;
    }
    if (db_depth(g->db) == 1) {
        struct set_entry *e = arena_new(&c->sets, struct set_entry);
        *e = (struct set_entry){c->set[hash % SLOTS], hash, str_dup(&c->sets, who), *ret};
        if (ret->n > 0) {
            e->set.v = arena_memdup(&c->sets, ret->v, ret->n * sizeof(*ret->v));
        }
        c->set[hash % SLOTS] = e;
        c->n_sets++;
    }
    return 0;
}
