/*
 * Filters of ListSecrets and BatchGetSecretValue: all filters must match, of each one value. A
 * value that begins with "!" asks for the opposite.
 */
#include "services/secretsmanager/sm.h"

struct subject {
    const struct sm_secret *secret;
    const struct secretsmanager_tag_list *tags;
};

static bool begins(struct str text, struct str with, bool ignore_case) {
    return text.p != NULL &&
           (ignore_case ? str_ieq(str_sub(text, 0, with.n), with) : str_starts(text, with));
}

static bool in_tags(const struct secretsmanager_tag_list *tags, struct str value, bool of_keys,
                    bool ignore_case) {
    for (size_t i = 0; i < tags->n; i++) {
        if (begins(of_keys ? tags->v[i].key : tags->v[i].value, value, ignore_case)) {
            return true;
        }
    }
    return false;
}

/* A word of "all" is looked for at the beginning of each attribute, and of each word in it. */
static bool word_in(struct str text, struct str word) {
    for (size_t i = 0; text.p != NULL && i < text.n; i++) {
        bool start = i == 0 || strchr(" /_+=.@-", text.p[i - 1]) != NULL;
        if (start && str_ieq(str_sub(text, i, word.n), word)) {
            return true;
        }
    }
    return false;
}

static bool word_anywhere(const struct subject *s, struct str word) {
    bool found = word_in(s->secret->name, word) || word_in(s->secret->description, word);
    for (size_t i = 0; i < s->tags->n && !found; i++) {
        found = word_in(s->tags->v[i].key, word) || word_in(s->tags->v[i].value, word);
    }
    return found;
}

static bool all_words(const struct subject *s, struct str value) {
    struct str word;
    while (str_cut(&value, ' ', &word)) {
        if (word.n > 0 && !word_anywhere(s, word)) {
            return false;
        }
    }
    return true;
}

static bool value_matches(const struct subject *s, struct str key, struct str value) {
    if (str_is(key, "name")) {
        return begins(s->secret->name, value, false);
    }
    if (str_is(key, "description")) {
        return begins(s->secret->description, value, true);
    }
    if (str_is(key, "tag-key") || str_is(key, "tag-value")) {
        return in_tags(s->tags, value, str_is(key, "tag-key"), false);
    }
    /* primary-region, owning-service: no secret here is a replica or a service's */
    return str_is(key, "all") && all_words(s, value);
}

static bool filter_matches(const struct subject *s, const struct secretsmanager_filter *f) {
    for (size_t i = 0; i < f->values.n; i++) {
        struct str value = f->values.v[i];
        bool negated = str_starts(value, S("!"));
        value = negated ? str_sub(value, 1, value.n) : value;
        if (value_matches(s, f->key, value) != negated) {
            return true;
        }
    }
    return false;
}

int sm_matches(const struct secretsmanager_filter_list *filters, const struct sm_secret *s,
               const struct secretsmanager_tag_list *tags) {
    struct subject subject = {s, tags};
    for (size_t i = 0; i < filters->n; i++) {
        if (!filter_matches(&subject, &filters->v[i])) {
            return 0;
        }
    }
    return 1;
}
