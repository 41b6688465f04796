/*
 * What a CloudFormation action asks for: template, parameters, tags, capabilities, read from the
 * action's configuration and from files of its input artifacts. Facts: CloudFormation's
 * configuration properties reference and its parameter override functions.
 */
#pragma once

#include "flow/action/action.h"
#include "gen/cloudformation.h"

struct stack_request {
    struct str stack_name;
    struct str template_body;
    struct str template_url; /* instead, for a template that is too large for a body */
    struct cloudformation_parameter_list parameters;
    struct cloudformation_tag_list tags;
    struct str_list capabilities;
    struct str role_arn;
    struct str stack_policy; /* JSON text or absent */
};

/* Opens the input artifacts that the configuration names, as `target`. ERR_INVALID names the
 * setting, the artifact or the file that is wrong. */
int stack_request_read(struct action_run *run, const struct aws_target *target,
                       struct stack_request *ret, struct err *err) MUST_USE;
