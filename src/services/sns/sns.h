/* Shared by the handlers of this folder, and the one thing that the gate asks of it. */
#pragma once

#include "gen/sns.h"
#include "platform/text/json.h"
#include "services/sns/sns_store.h"

enum { SNS_PAGE = 100, SNS_MESSAGE_MAX = 256 * 1024, SNS_TOKEN_DAYS = 3 };

/* Fails with NotFound. An ARN of another shape is InvalidParameter. */
int sns_need_topic(struct call *c, struct str arn, struct sns_topic_row *ret,
                   struct err *err) MUST_USE;

/* "Invalid parameter: NAME Reason: ..." */
int sns_invalid(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* One change to an attribute object: an absent or empty value takes it away. Arena-owned text. */
struct str sns_attributes_with(struct arena *a, struct str attributes, const char *name,
                               struct str value);
void sns_attribute_add(struct arena *a, struct str_map *map, const char *name, struct str value);

/* Checks name and value as SetTopicAttributes and SetSubscriptionAttributes take them. */
int sns_check_topic_attribute(struct str name, struct str value, struct err *err) MUST_USE;
int sns_check_sub_attribute(struct str name, struct str value, bool body_scope,
                            struct err *err) MUST_USE;

/* The topic's policy, its default one if none was set: 1, 0 no such topic, -1. For the gate. */
int sns_topic_policy(struct db *db, struct arena *a, struct str arn, struct str *ret,
                     struct err *err) MUST_USE;
