/*
 * Jobs that one service leaves for another: durable, in the transaction of what causes them, and
 * without either knowing the other's code.
 *
 * HANDOVER_NOTIFICATION, from EventBridge to notification rules: {"rule": the notification rule's
 * ARN, "event": the event as JSON text}; the key is event and rule.
 */
#pragma once

#define HANDOVER_NOTIFICATION "notifications.tell"
