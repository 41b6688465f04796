/* What the handlers of this folder share: checks worded as IAM words them, pages, tags. */
#pragma once

#include "gen/iam.h"
#include "services/iam/iam_store.h"
#include "services/iam/policy.h"

enum {
    IAM_TRUST_MAX = 4096,   /* characters without blanks; AWS: 2048, 4096 on request */
    IAM_INLINE_MAX = 10240, /* all inline policies of a role */
    IAM_USER_INLINE_MAX = 2048,
    IAM_MANAGED_MAX = 6144,
    IAM_VERSIONS_MAX = 5,
    IAM_ATTACHED_MAX = 20, /* AWS: 10, 20 on request */
    IAM_KEYS_MAX = 2,
    IAM_PAGE = 100,
};

/* [\w+=,.@-]+ */
int iam_check_name(struct str name, const char *member, struct err *err) MUST_USE;
/* Absent becomes "/". */
int iam_check_path(struct str *path, struct err *err) MUST_USE;
/* MalformedPolicyDocument, or LimitExceeded when it is larger than `max` without blanks. */
int iam_check_document(struct call *c, struct str text, enum policy_use use, size_t max,
                       const char *quota, struct err *err) MUST_USE;
size_t iam_policy_size(struct str text); /* characters that count */

/* NoSuchEntity in IAM's words when there is none. */
int iam_need_role(struct call *c, struct str name, struct iam_role_row *ret,
                  struct err *err) MUST_USE;
int iam_need_user(struct call *c, struct str name, struct iam_user_row *ret,
                  struct err *err) MUST_USE;
/* Customer's or AWS's. */
int iam_need_policy(struct call *c, struct str arn, struct err *err) MUST_USE;
/* Whose policies a call is about; the owner is there. */
int iam_need_owner(struct call *c, const char *kind, struct str name, struct iam_owner *ret,
                   struct err *err) MUST_USE;
/* Customer's only: AWS's own cannot be changed. */
int iam_need_own_policy(struct call *c, struct str arn, struct iam_policy_row *ret,
                        struct err *err) MUST_USE;

/* As lists show a role: without tags and last use. */
void iam_role_fill(struct call *c, const struct iam_role_row *r, struct iam_role *ret);

/* Documents travel percent-encoded. */
struct str iam_encoded(struct call *c, struct str document);

/* Pages. `after` is absent on the first one; limit is one more row than the page has, so that
 * iam_page_end can tell: it cuts *n and gives the marker when there is more. */
struct iam_page {
    struct str after;
    int64_t size, limit;
};
int iam_page_start(struct call *c, struct str marker, bool has_max, int32_t max,
                   struct iam_page *ret, struct err *err) MUST_USE;
bool iam_page_more(const struct iam_page *p, size_t *n);

/* Tags of an entity. */
int iam_tags_put(struct call *c, struct str arn, const struct iam_tag_list *tags,
                 struct err *err) MUST_USE;
int iam_tags_get(struct call *c, struct str arn, struct iam_tag_list *ret,
                 struct err *err) MUST_USE;
