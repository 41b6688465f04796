/* Who is told: the release's topic and its webhooks, looked at and carried out; apply.h. */
#include "front/cli/apply.h"

#include "gen/sns.h"

/* {"kind":["approval","failed"]}, or absent: everything. */
static struct str filter_policy(struct arena *a, const struct release_notify *n) {
    if (n->on.n == 0) {
        return STR_NONE;
    }
    json_t *kinds = json_array();
    for (size_t i = 0; i < n->on.n; i++) {
        json_array_append_new(kinds, json_from_str(n->on.v[i]));
    }
    json_t *policy cleanup_json = json_object();
    json_set(policy, "kind", kinds);
    return json_dump_str(a, policy);
}

static const struct release_notify *notify_of(const struct apply *ap, struct str webhook) {
    for (size_t i = 0; i < ap->release->notify.n; i++) {
        if (str_eq(ap->release->notify.v[i].webhook, webhook)) {
            return &ap->release->notify.v[i];
        }
    }
    return NULL;
}

/* Webhooks of the topic; subscriptions of other protocols are somebody else's. */
static int list_webhooks(struct apply *ap, struct sns_subscription_list *ret, struct err *err) {
    struct sns_list_subscriptions_by_topic_input in = {.topic_arn = ap->plan.topic_arn};
    struct sns_list_subscriptions_by_topic_response out;
    *ret = (struct sns_subscription_list){0};
    do {
        if (sns_call_list_subscriptions_by_topic(&ap->target, ap->arena, &in, &out, err) < 0) {
            return -1;
        }
        for (size_t i = 0; i < out.subscriptions.n; i++) {
            struct str protocol = out.subscriptions.v[i].protocol;
            if (str_is(protocol, "http") || str_is(protocol, "https")) {
                *arena_push(ap->arena, ret) = out.subscriptions.v[i];
            }
        }
        in.next_token = out.next_token;
    } while (out.next_token.n > 0);
    return 0;
}

static const struct sns_subscription *subscription_of(const struct sns_subscription_list *all,
                                                      struct str webhook) {
    for (size_t i = 0; i < all->n; i++) {
        if (str_eq(all->v[i].endpoint, webhook)) {
            return &all->v[i];
        }
    }
    return NULL;
}

/* Before it is confirmed a subscription has no ARN, and nothing can be set. */
static bool confirmed(const struct sns_subscription *s) {
    return str_starts(s->subscription_arn, S("arn:"));
}

/* ---- looking ---- */

static bool same_filter(struct str have, struct str wanted) {
    struct err ignored = ERR_INIT;
    json_t *x cleanup_json = json_parse(have.n ? have : S("{}"), &ignored);
    json_t *y cleanup_json = json_parse(wanted.n ? wanted : S("{}"), &ignored);
    return x != NULL && y != NULL && json_equal(x, y);
}

static int look_webhook(struct apply *ap, const struct sns_subscription *s,
                        const struct release_notify *n, struct err *err) {
    struct str wanted = filter_policy(ap->arena, n);
    struct sns_get_subscription_attributes_input in = {.subscription_arn = s->subscription_arn};
    struct sns_get_subscription_attributes_response out;
    if (!confirmed(s)) {
        apply_note(ap, "webhook", n->webhook, APPLY_CREATE)->note =
            S("is not confirmed yet, and asked again");
        return 0;
    }
    if (sns_call_get_subscription_attributes(&ap->target, ap->arena, &in, &out, err) < 0) {
        return err_wrap(err, "webhook " STR_FMT, STR_ARG(n->webhook));
    }
    struct str have = str_map_get(&out.attributes, S("FilterPolicy"));
    bool same = same_filter(have, wanted);
    struct apply_change *c =
        apply_note(ap, "webhook", n->webhook, same ? APPLY_KEEP : APPLY_CHANGE);
    if (!same) {
        *arena_push(ap->arena, &c->fields) =
            (struct json_difference){JSON_CHANGED, S("on"), have.n ? have : S("everything"),
                                     wanted.n ? wanted : S("everything")};
    }
    return 0;
}

int apply_look_topic(struct apply *ap, struct err *err) {
    struct sns_get_topic_attributes_input in = {.topic_arn = ap->plan.topic_arn};
    struct sns_get_topic_attributes_response out;
    struct sns_subscription_list all = {0};
    struct err why = ERR_INIT;
    if (ap->plan.topic.p == NULL) {
        return 0;
    }
    bool there = sns_call_get_topic_attributes(&ap->target, ap->arena, &in, &out, &why) == 0;
    if (!there && why.http_status != 404) {
        *err = why;
        return err_wrap(err, "topic " STR_FMT, STR_ARG(ap->plan.topic));
    }
    apply_note(ap, "topic", ap->plan.topic, there ? APPLY_KEEP : APPLY_CREATE);
    if (there && list_webhooks(ap, &all, err) < 0) {
        return err_wrap(err, "topic " STR_FMT, STR_ARG(ap->plan.topic));
    }
    for (size_t i = 0; i < ap->release->notify.n; i++) {
        const struct release_notify *n = &ap->release->notify.v[i];
        const struct sns_subscription *s = subscription_of(&all, n->webhook);
        if (s == NULL) {
            apply_note(ap, "webhook", n->webhook, APPLY_CREATE);
        } else if (look_webhook(ap, s, n, err) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < all.n; i++) {
        if (notify_of(ap, all.v[i].endpoint) == NULL && confirmed(&all.v[i])) {
            apply_note(ap, "webhook", all.v[i].endpoint, APPLY_REMOVE);
        }
    }
    return 0;
}

/* ---- doing ---- */

/* `known`: it is there and waits for its confirmation; asking again changes no attribute. */
static int subscribe(struct apply *ap, const struct release_notify *n, bool known,
                     struct err *err) {
    struct str_pair attribute = {S("FilterPolicy"), filter_policy(ap->arena, n)};
    struct sns_subscribe_input in = {
        .topic_arn = ap->plan.topic_arn,
        .protocol = str_starts(n->webhook, S("https:")) ? S("https") : S("http"),
        .endpoint = n->webhook,
    };
    struct sns_subscribe_response out;
    if (attribute.value.p && !known) {
        in.attributes = (struct str_map){&attribute, 1};
    }
    return sns_call_subscribe(&ap->target, ap->arena, &in, &out, err);
}

static int set_filter(struct apply *ap, struct str subscription, const struct release_notify *n,
                      struct err *err) {
    struct str policy = filter_policy(ap->arena, n);
    struct sns_set_subscription_attributes_input in = {
        .subscription_arn = subscription,
        .attribute_name = S("FilterPolicy"),
        .attribute_value = policy.p ? policy : S("{}"),
    };
    struct sns_set_subscription_attributes_output out;
    return sns_call_set_subscription_attributes(&ap->target, ap->arena, &in, &out, err);
}

static int unsubscribe(struct apply *ap, struct str subscription, struct err *err) {
    struct sns_unsubscribe_input in = {.subscription_arn = subscription};
    struct sns_unsubscribe_output out;
    return sns_call_unsubscribe(&ap->target, ap->arena, &in, &out, err);
}

static int do_webhook(struct apply *ap, const struct apply_change *c,
                      const struct sns_subscription_list *all, struct err *err) {
    const struct sns_subscription *s = subscription_of(all, c->name);
    switch (c->what) {
    case APPLY_CREATE:
        return s && confirmed(s) ? 0 : subscribe(ap, notify_of(ap, c->name), s != NULL, err);
    case APPLY_CHANGE:
        return s ? set_filter(ap, s->subscription_arn, notify_of(ap, c->name), err) : 0;
    case APPLY_REMOVE:
        return s ? unsubscribe(ap, s->subscription_arn, err) : 0;
    case APPLY_KEEP:
        break;
    }
    return 0;
}

int apply_do_topic(struct apply *ap, struct err *err) {
    struct sns_create_topic_input create = {.name = ap->plan.topic};
    struct sns_create_topic_response created;
    struct sns_subscription_list all;
    if (ap->plan.topic.p == NULL) {
        return 0;
    }
    if (sns_call_create_topic(&ap->target, ap->arena, &create, &created, err) < 0 ||
        list_webhooks(ap, &all, err) < 0) {
        return err_wrap(err, "topic " STR_FMT, STR_ARG(ap->plan.topic));
    }
    for (size_t i = 0; i < ap->changes.n; i++) {
        const struct apply_change *c = &ap->changes.v[i];
        if (strcmp(c->kind, "webhook") == 0 && do_webhook(ap, c, &all, err) < 0) {
            return err_wrap(err, "webhook " STR_FMT, STR_ARG(c->name));
        }
    }
    return 0;
}
