/* Four eyes of a release: a tag of its pipeline, looked at and set; apply.h. A file that does not
 * speak of it leaves the tag as it is: taking a guard away is said by hand. */
#include "front/cli/apply.h"

#include "flow/approval/approval.h"
#include "gen/codepipeline.h"

static struct str pipeline_arn(const struct apply *ap) {
    const struct release_account *home = &ap->accounts->v[0];
    return str_printf(ap->arena, "arn:aws:codepipeline:" STR_FMT ":" STR_FMT ":" STR_FMT,
                      STR_ARG(home->region), STR_ARG(home->id), STR_ARG(ap->release->name));
}

static int ask_tag(struct apply *ap, struct str *ret, struct err *err) {
    struct codepipeline_list_tags_for_resource_input in = {.resource_arn = pipeline_arn(ap)};
    struct codepipeline_list_tags_for_resource_output out;
    *ret = STR_NONE;
    do {
        if (codepipeline_call_list_tags_for_resource(&ap->target, ap->arena, &in, &out, err) < 0) {
            return err_wrap(err, "tags of pipeline " STR_FMT, STR_ARG(ap->release->name));
        }
        for (size_t i = 0; i < out.tags.n; i++) {
            if (str_is(out.tags.v[i].key, FOUR_EYES_TAG)) {
                *ret = out.tags.v[i].value;
            }
        }
        in.next_token = out.next_token;
    } while (out.next_token.n > 0);
    return 0;
}

int apply_look_four_eyes(struct apply *ap, struct err *err) {
    struct str wanted = ap->release->four_eyes, have = STR_NONE;
    if (wanted.p == NULL) {
        return 0;
    }
    bool there = apply_find(ap, "pipeline", ap->release->name)->what != APPLY_CREATE;
    if (there && ask_tag(ap, &have, err) < 0) {
        return -1;
    }
    apply_note(ap, "four eyes", wanted,
               have.p == NULL         ? APPLY_CREATE
               : str_eq(have, wanted) ? APPLY_KEEP
                                      : APPLY_CHANGE);
    return 0;
}

int apply_do_four_eyes(struct apply *ap, struct err *err) {
    struct str wanted = ap->release->four_eyes;
    if (wanted.p == NULL || apply_find(ap, "four eyes", wanted)->what == APPLY_KEEP) {
        return 0;
    }
    struct codepipeline_tag tag = {S(FOUR_EYES_TAG), wanted};
    struct codepipeline_tag_resource_input in = {.resource_arn = pipeline_arn(ap),
                                                 .tags = {&tag, 1}};
    struct codepipeline_tag_resource_output out;
    return codepipeline_call_tag_resource(&ap->target, ap->arena, &in, &out, err) < 0
               ? err_wrap(err, "tag " FOUR_EYES_TAG)
               : 0;
}
