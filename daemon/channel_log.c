/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/channel_log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "daemon/message_id.h"

/* Versions are at most "65535.65535 ": the longest list that is shown whole. */
#define LIST_TEXT 1280
/* Hosts offer six at most; what is longer is a test, and not for reading. */
#define SHOWN_MAX 12

static uint64_t ns(uint64_t usec)
{
	return usec * 1000;
}

static const char *format_versions(const struct ic_version *v, unsigned n, char text[static LIST_TEXT])
{
	size_t used = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < n && used < LIST_TEXT; i++)
		used += (size_t)snprintf(text + used, LIST_TEXT - used, "%s%u.%u", i ? " " : "",
					 v[i].major, v[i].minor);
	return n > 0 ? text : "nothing";
}

/* The same for people: of a long list the beginning and its length; the fields have all of it. */
static const char *format_beginning(const struct ic_list *list, char text[static LIST_TEXT])
{
	size_t used;

	if (list->n <= SHOWN_MAX)
		return format_versions(list->v, list->n, text);
	(void)format_versions(list->v, SHOWN_MAX, text);
	used = strlen(text);
	(void)snprintf(text + used, LIST_TEXT - used, " ... (%u in all)", list->n);
	return text;
}

static const char *format_pair(const struct ic_answer *a, char text[static 64])
{
	if (a->silent)
		(void)snprintf(text, 64, "nothing");
	else if (a->counts[0] == 1 && a->counts[1] == 1)
		(void)snprintf(text, 64, "%u.%u/%u.%u", a->pair.framework.major,
			       a->pair.framework.minor, a->pair.message.major,
			       a->pair.message.minor);
	else
		(void)snprintf(text, 64, "counts %u,%u", a->counts[0], a->counts[1]);
	return text;
}

static bool offers_more(const struct ic_list *offered, struct ic_version answered)
{
	for (unsigned i = 0; i < offered->n; i++)
		if (!ic_version_reaches(answered, offered->v[i]))
			return true;
	return false;
}

static bool is_below_offer(const struct ic *ic)
{
	return offers_more(&ic->offer.framework, ic->answer.pair.framework) ||
	       offers_more(&ic->offer.message, ic->answer.pair.message);
}

/* The end of the line: what the answer means. */
static const char *meaning(const struct ic *ic)
{
	if (ic->answer.silent)
		return ": they have nothing in common, the host will have no contact with the component";
	if (ic->answer.outcome == IC_NO_COMMON)
		return ": they have nothing in common, the host will count the component as failed until "
		       "it offers something else";
	if (ic->answer.unoffered)
		return ": this was not offered, it is answered on purpose";
	if (ic->answer.outcome == IC_FORCED)
		return ": this is answered on purpose";
	if (is_below_offer(ic))
		return ": not the newest, the host may report a protocol mismatch (KB4014894), by design";
	return "";
}

/* Behind the answer: that the configuration has it cut or late. */
static const char *handicap(const struct conf_component *conf, const struct ic *ic, char text[static 96])
{
	size_t used = 0;

	text[0] = '\0';
	if (ic->answer.silent)
		return text;
	if (conf->policy.raw.has_truncate)
		used = (size_t)snprintf(text, 96, ", at most %u bytes of it on purpose",
					conf->policy.raw.truncate);
	if (conf->answer_delay_s > 0)
		(void)snprintf(text + used, 96 - used, ", %u s late on purpose", conf->answer_delay_s);
	return text;
}

/* What a host makes of an answer that was meant to be wrong is neither fine nor safe to ignore. */
static enum message_id id_of(const struct conf_component *conf, const struct ic *ic)
{
	if (ic->answer.outcome == IC_NO_COMMON)
		return MESSAGE_NO_COMMON;
	if (ic->answer.outcome == IC_FORCED || conf->policy.raw.has_truncate || conf->answer_delay_s > 0)
		return MESSAGE_FORCED;
	return is_below_offer(ic) ? MESSAGE_MISMATCH : MESSAGE_NEGOTIATED;
}

static int level(const struct ic *ic)
{
	if (ic->answer.outcome == IC_NO_COMMON || ic->answer.unoffered)
		return LOG_ERR;
	return LOG_INFO;
}

/* The negotiation as structured fields, complete. */
struct negotiation_fields {
	char component[64], framework[LIST_TEXT + 32], message[LIST_TEXT + 32], answer[96], outcome[64],
		profile[64];
};

static void fields_fill(struct negotiation_fields *f, const struct channel_log *to,
			const struct ic *ic, const char *pair)
{
	static const char *const outcomes[] = {
		[IC_NOT_NEGOTIATED] = "none", [IC_AGREED] = "agreed",
		[IC_NO_COMMON] = "no-common-version", [IC_FORCED] = "forced",
	};
	const struct ic_list *framework = &ic->offer.framework, *message = &ic->offer.message;
	char list[LIST_TEXT];

	(void)snprintf(f->component, sizeof(f->component), "VMIC_COMPONENT=%s", to->service->name);
	(void)format_versions(framework->v, framework->n, list);
	(void)snprintf(f->framework, sizeof(f->framework), "VMIC_OFFERED_FRAMEWORK=%s", list);
	(void)format_versions(message->v, message->n, list);
	(void)snprintf(f->message, sizeof(f->message), "VMIC_OFFERED_MESSAGE=%s", list);
	(void)snprintf(f->answer, sizeof(f->answer), "VMIC_ANSWER=%s", pair);
	(void)snprintf(f->outcome, sizeof(f->outcome), "VMIC_OUTCOME=%s",
		       outcomes[ic->answer.outcome]);
	(void)snprintf(f->profile, sizeof(f->profile), "VMIC_PROFILE=%s", to->conf->profile);
}

void channel_log_negotiation(struct channel_log *to, uint64_t now_usec, const struct ic *ic)
{
	char framework[LIST_TEXT], message[LIST_TEXT], pair[64], late[96];
	char our_framework[LIST_TEXT], our_message[LIST_TEXT];
	const struct ic_policy *policy = &to->conf->policy;
	struct negotiation_fields f;
	const char *const fields[] = { message_id_fields[id_of(to->conf, ic)], f.component,
				       f.framework, f.message, f.answer, f.outcome, f.profile, NULL };
	unsigned suppressed;

	if (!log_rate_allows(&to->negotiations, ns(now_usec), &suppressed))
		return;
	fields_fill(&f, to, ic, format_pair(&ic->answer, pair));
	log_line(to->log, level(ic), fields,
		 "%s: the host offers framework %s, message %s; we admit to framework %s, message %s "
		 "(profile %s%s); answered %s%s%s",
		 to->service->name, format_beginning(&ic->offer.framework, framework),
		 format_beginning(&ic->offer.message, message),
		 format_versions(policy->framework.v, policy->framework.n, our_framework),
		 format_versions(policy->message.v, policy->message.n, our_message),
		 to->conf->profile, to->conf->overridden ? ", overridden" : "", pair,
		 handicap(to->conf, ic, late), meaning(ic));
	if (suppressed > 0)
		log_info(to->log, "%s: %u negotiations before this one were not logged",
			 to->service->name, suppressed);
}

void channel_log_taken_over(struct channel_log *to, const struct ic *ic, const char *program)
{
	char f_component[64], f_answer[96], pair[64] = "nothing yet";
	const char *const fields[] = { message_id_fields[MESSAGE_TAKEN_OVER], f_component, f_answer, NULL };

	if (ic->answer.outcome != IC_NOT_NEGOTIATED)
		(void)format_pair(&ic->answer, pair);
	(void)snprintf(f_component, sizeof(f_component), "VMIC_COMPONENT=%s", to->service->name);
	(void)snprintf(f_answer, sizeof(f_answer), "VMIC_ANSWER=%s", pair);
	log_line(to->log, LOG_INFO, fields,
		 "%s: the channel has stayed open since vmicd %s, which had answered %s: going on with that",
		 to->service->name, program, pair);
}

static void remember(struct channel_log *to, const char *text)
{
	struct timespec ts = { 0 };

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	to->last_usec = (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
	(void)snprintf(to->last, sizeof(to->last), "%s", text);
}

/* One rate-limited warning with the component and the errno as fields, and a MESSAGE_ID or NULL. */
static void warn(struct channel_log *to, struct log_rate *rate, uint64_t now_usec, int error,
		 const char *id, const char *text)
{
	char f_component[64], f_errno[32];
	const char *const fields[] = { f_component, f_errno, id, NULL };

	remember(to, text);
	(void)snprintf(f_component, sizeof(f_component), "VMIC_COMPONENT=%s", to->service->name);
	(void)snprintf(f_errno, sizeof(f_errno), "ERRNO=%d", -error);
	log_limited(to->log, rate, ns(now_usec), LOG_WARNING, fields, "%s: %s", to->service->name, text);
}

void channel_log_refusal(struct channel_log *to, uint64_t now_usec, int error, const char *why,
			 const char *what_now)
{
	char text[256];

	(void)snprintf(text, sizeof(text), "bad message from the host: %s, %s", why, what_now);
	warn(to, &to->refusals, now_usec, error, NULL, text);
}

void channel_log_broken(struct channel_log *to, uint64_t now_usec, const char *why)
{
	char text[256];

	(void)snprintf(text, sizeof(text), "bad message from the host: %s, closing the channel for a while", why);
	warn(to, &to->losses, now_usec, -EBADMSG, message_id_fields[MESSAGE_LOST], text);
}

void channel_log_rescinded(struct channel_log *to, uint64_t now_usec)
{
	char f_component[64];
	const char *const fields[] = { message_id_fields[MESSAGE_LOST], f_component, NULL };

	(void)snprintf(f_component, sizeof(f_component), "VMIC_COMPONENT=%s", to->service->name);
	log_limited(to->log, &to->losses, ns(now_usec), LOG_INFO, fields,
		    "%s: the channel has gone: the host has taken it away, or somebody has moved its device", to->service->name);
}

/* No trouble, and so not what went wrong last. */
void channel_log_blocked(struct channel_log *to, uint64_t now_usec, const struct ic_op *op)
{
	char name[POLICY_NAME_SIZE], f_component[64], f_operation[64];
	const char *const fields[] = { message_id_fields[MESSAGE_BLOCKED], f_component, f_operation, NULL };

	policy_name_of(to->service, op, name);
	(void)snprintf(f_component, sizeof(f_component), "VMIC_COMPONENT=%s", to->service->name);
	(void)snprintf(f_operation, sizeof(f_operation), "VMIC_OPERATION=%s", name);
	log_limited(to->log, &to->blocked, ns(now_usec), LOG_NOTICE, fields,
		    "%s: the host asked for %s, which the configuration blocks, refusing it",
		    to->service->name, name);
}

bool channel_log_failure(struct channel_log *to, uint64_t now_usec, int error)
{
	/* No such key, no more items, no such adapter: what a host hears every day. And what vmicd
	 * does not do, which sys.h logs with its reason. */
	static const int ordinary[] = { ENOENT, ENODATA, ENODEV, EOPNOTSUPP };
	char text[256];

	for (size_t i = 0; i < ARRAY_LEN(ordinary); i++)
		if (error == -ordinary[i])
			return false;
	(void)snprintf(text, sizeof(text), "a request of the host failed: %s; the host was told",
		       strerror(-error));
	warn(to, &to->failures, now_usec, error, NULL, text);
	return true;
}

void channel_log_unserved(struct channel_log *to, uint64_t now_usec)
{
	warn(to, &to->failures, now_usec, -EBUSY, NULL,
	     "a request of the host could not be served for 10 s: a file is locked, or its disk does not answer; the "
	     "host was told");
}

void channel_log_trouble(struct channel_log *to, uint64_t now_usec, const char *why, bool is_new)
{
	char f_component[64], text[sizeof(to->last)];
	const char *const fields[] = { message_id_fields[MESSAGE_UNUSABLE], f_component, NULL };

	(void)snprintf(f_component, sizeof(f_component), "VMIC_COMPONENT=%s", to->service->name);
	(void)snprintf(text, sizeof(text), "cannot use the channel: %s", why);
	remember(to, text);
	/* It is tried again and again: what is not new is not worth another line. */
	if (is_new)
		log_limited(to->log, &to->troubles, ns(now_usec), LOG_ERR, fields,
			    "%s: %s, trying again later", to->service->name, text);
}
