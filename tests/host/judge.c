/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/judge.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hv_util/base.h"
#include "tests/host/version.h"

/* KB4014894; the article leaves the final stop out, the cmdlet prints it. */
const char judge_mismatch_sentence[] =
	"The protocol version of the component installed in the virtual machine "
	"does not match the version expected by the hosting system.";

/*
 * OperationalStatus: values from Microsoft's Msvm_HeartbeatComponent page, texts from OpenVMM's
 * tests against a real host. A status that is not here has no text that was ever published.
 */
static const struct {
	uint16_t status;
	const char *text;
} status_texts[] = {
	{ WMI_OK, "OK" },
	{ WMI_DEGRADED, "Degraded" },
	{ WMI_NON_RECOVERABLE, "Non-Recoverable Error" },
	{ WMI_NO_CONTACT, "No Contact" },
	{ WMI_LOST, "Lost Communication" },
	{ WMI_PROTOCOL_MISMATCH, judge_mismatch_sentence },
};

const char *judge_status_text(uint16_t status)
{
	for (size_t i = 0; i < ARRAY_LEN(status_texts); i++)
		if (status_texts[i].status == status)
			return status_texts[i].text;
	return "";
}

static const char *const result_names[RESULT_MAX] = {
	[RESULT_OK] = "ok",
	[RESULT_MISMATCH] = "mismatch",
	[RESULT_NO_COMMON] = "no-common-version",
	[RESULT_NO_CONTACT] = "no-contact",
	[RESULT_LOST] = "lost",
	[RESULT_DISABLED] = "disabled",
	[RESULT_ABSENT] = "not-offered",
	[RESULT_OFF] = "off",
};

const char *judge_result_name(enum result result)
{
	return result_names[result];
}

int judge_result_from_name(const char *name, enum result *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(result_names); i++)
		if (strcmp(result_names[i], name) == 0) {
			*ret = (enum result)i;
			return 0;
		}
	return -EINVAL;
}

/* What a rule sees, and the verdict it fills. */
struct hearing {
	const struct release *release;
	const struct release_offer *offer;
	const struct component_facts *facts;
	enum component component;
	struct verdict *verdict;
};

#define because(h, ...) ((void)snprintf((h)->verdict->why, sizeof((h)->verdict->why), __VA_ARGS__))

struct pair_text {
	char text[sizeof("framework , message ") + 2 * VERSION_TEXT_SIZE];
};

static struct pair_text pair_format(struct version_pair pair)
{
	char framework[VERSION_TEXT_SIZE], message[VERSION_TEXT_SIZE];
	struct pair_text t;

	(void)snprintf(t.text, sizeof(t.text), "framework %s, message %s",
		       version_format(pair.framework, framework),
		       version_format(pair.message, message));
	return t;
}

static void first_status(struct hearing *h, enum result result, uint16_t status)
{
	h->verdict->result = result;
	h->verdict->status[0] = status;
	h->verdict->n_status = 1;
}

static void second_status(struct hearing *h, uint16_t status, enum certainty certainty)
{
	h->verdict->status[1] = status;
	h->verdict->n_status = 2;
	h->verdict->second_certainty = certainty;
}

static void nothing_to_show(struct hearing *h, enum result result)
{
	h->verdict->result = result;
	h->verdict->n_status = 0;
}

/* Seen in posted outputs for all but heartbeat and key-value pairs: OK, and nothing else. */
static void judge_disabled(struct hearing *h)
{
	static const bool seen[COMPONENT_MAX] = {
		[COMPONENT_GUEST_SERVICE] = true, [COMPONENT_SHUTDOWN] = true,
		[COMPONENT_TIMESYNC] = true, [COMPONENT_VSS] = true,
	};

	first_status(h, RESULT_DISABLED, WMI_OK);
	h->verdict->certainty = seen[h->component] ? CERTAIN : INFERRED;
	because(h, "It is switched off in the virtual machine's settings.");
}

static void judge_no_contact(struct hearing *h)
{
	first_status(h, RESULT_NO_CONTACT, WMI_NO_CONTACT);
	if (h->facts->opened)
		because(h, "The guest opened the channel and has not answered the negotiation.");
	else
		because(h, "The guest has not opened the channel.");
}

/* Status 7 is "does not support a compatible protocol version"; what [1] holds nobody has seen. */
static void judge_no_common(struct hearing *h)
{
	char framework[256], message[256];

	first_status(h, RESULT_NO_COMMON, WMI_NON_RECOVERABLE);
	h->verdict->second_certainty = UNKNOWN;
	because(h,
		"Offered framework %s and message %s; it answered counts %u,%u: none of them.",
		version_list_format(&h->facts->offered_framework, framework, sizeof(framework)),
		version_list_format(&h->facts->offered_message, message, sizeof(message)),
		h->facts->answered_counts[0], h->facts->answered_counts[1]);
}

/*
 * OpenVMM takes any pair with counts 1,1 unchecked; what Windows does is unknown. A version that
 * was not offered is not a compatible one, so this is told as no common version.
 */
static void judge_unoffered(struct hearing *h)
{
	first_status(h, RESULT_NO_COMMON, WMI_NON_RECOVERABLE);
	h->verdict->certainty = h->verdict->second_certainty = UNKNOWN;
	because(h, "The guest answered %s, which was not offered.",
		pair_format(h->facts->answered).text);
}

static void judge_lost(struct hearing *h)
{
	first_status(h, RESULT_LOST, WMI_LOST);
	h->verdict->second_certainty = UNKNOWN;
	because(h, "The guest had agreed on %s and then %s.",
		pair_format(h->facts->answered).text,
		h->facts->opened ? "left a request unanswered" : "left (it closed the connection)");
}

/*
 * The comparison of both versions is inferred: it fits every posted output and the event text,
 * which names both pairs, but no output has a lower framework. A heartbeat's second element is the
 * application's state too; which of the two wins, nobody has seen.
 */
static void judge_mismatch(struct hearing *h)
{
	bool same_message = version_compare(h->facts->answered.message,
					    h->offer->expected.message) >= 0;
	bool has_state = h->component == COMPONENT_HEARTBEAT && h->facts->application_state;
	enum certainty rule = same_message ? INFERRED : CERTAIN;

	first_status(h, RESULT_MISMATCH, h->release->mismatch_degrades ? WMI_DEGRADED : WMI_OK);
	rule = certainty_weaker(rule, h->offer->certainty);
	h->verdict->certainty = certainty_weaker(rule, h->release->mismatch_certainty);
	second_status(h, WMI_PROTOCOL_MISMATCH, has_state ? UNKNOWN : h->verdict->certainty);
	because(h, "Agreed on %s; the host expects %s.", pair_format(h->facts->answered).text,
		pair_format(h->offer->expected).text);
}

/* A Windows guest's states are seen; that a host trusts another guest's is plain protocol. */
static void judge_application_state(struct hearing *h)
{
	switch (h->facts->application_state) {
	case 0:
		break;
	case 1:
		second_status(h, WMI_OK, INFERRED);
		break;
	case 2:
		second_status(h, WMI_APPLICATION_CRITICAL, INFERRED);
		break;
	default:
		h->verdict->second_certainty = UNKNOWN;
	}
}

static void judge_ok(struct hearing *h)
{
	first_status(h, RESULT_OK, WMI_OK);
	h->verdict->certainty = h->offer->certainty;
	if (h->component == COMPONENT_HEARTBEAT)
		judge_application_state(h);
	because(h, "Agreed on %s, as the host expects.", pair_format(h->facts->answered).text);
}

static void judge_agreed(struct hearing *h)
{
	struct version_pair is = h->facts->answered, expected = h->offer->expected;

	if (h->facts->answered_unoffered)
		judge_unoffered(h);
	else if (version_compare(is.framework, expected.framework) < 0 ||
		 version_compare(is.message, expected.message) < 0)
		judge_mismatch(h);
	else
		judge_ok(h);
}

static void judge_contact(struct hearing *h)
{
	static void (*const rules[])(struct hearing *) = {
		[CONTACT_NONE] = judge_no_contact,
		[CONTACT_AGREED] = judge_agreed,
		[CONTACT_NO_COMMON] = judge_no_common,
		[CONTACT_LOST] = judge_lost,
	};

	rules[h->facts->contact](h);
}

void judge_component(const struct release *release, const struct guest_facts *facts,
		     enum component component, struct verdict *ret)
{
	struct hearing h = {
		.release = release,
		.offer = &release->component[component],
		.facts = &facts->component[component],
		.component = component,
		.verdict = ret,
	};

	*ret = (struct verdict){ .certainty = CERTAIN, .second_certainty = CERTAIN };
	if (!facts->running) {
		nothing_to_show(&h, RESULT_OFF);
		because(&h, "The virtual machine is off.");
	} else if (!h.offer->offered) {
		nothing_to_show(&h, RESULT_ABSENT);
		ret->certainty = h.offer->certainty;
		because(&h, "%s does not offer it: %s.", release->title, h.offer->source);
	} else if (!h.facts->enabled) {
		judge_disabled(&h);
	} else {
		judge_contact(&h);
	}
	ret->certainty = certainty_weaker(ret->certainty, release->status_certainty);
	ret->second_certainty = certainty_weaker(ret->second_certainty, release->status_certainty);
}

/*
 * Event 4010, MSWVMIC_MINOR_VERSION_MISMATCH: documented for the data exchange of 2008 (without the
 * versions), posted from 2012 R2 (with both pairs). The other components' follow its pattern.
 */
static void event_mismatch(const struct release *release, const struct guest_facts *facts,
			   enum component component, struct host_event *ret)
{
	const struct version_pair *is = &facts->component[component].answered;
	const struct version_pair *expected = &release->component[component].expected;
	int used = snprintf(ret->text, sizeof(ret->text),
			    "%s connected to virtual machine '%s', but the version does not match "
			    "the version expected by Hyper-V (Virtual machine ID %s).",
			    component_table[component].event_name, facts->vm_name, facts->vm_id);

	ret->id = 4010;
	ret->certainty = component == COMPONENT_KVP && release->mismatch_degrades ? CERTAIN :
										    INFERRED;
	if (release->event_names_versions)
		(void)snprintf(ret->text + used, sizeof(ret->text) - (size_t)used,
			       " Framework version: Negotiated (%u.%u) - Expected (%u.%u); "
			       "Message version: Negotiated (%u.%u) - Expected (%u.%u). "
			       "This is an unsupported configuration.",
			       is->framework.major, is->framework.minor,
			       expected->framework.major, expected->framework.minor,
			       is->message.major, is->message.minor,
			       expected->message.major, expected->message.minor);
}

/* Seen for the Volume Shadow Copy Requestor (Azure Site Recovery's errors), without its number. */
static void event_no_common(const struct guest_facts *facts, enum component component,
			    struct host_event *ret)
{
	ret->id = 0;
	ret->certainty = component == COMPONENT_VSS ? CERTAIN : INFERRED;
	(void)snprintf(ret->text, sizeof(ret->text),
		       "%s failed to connect to virtual machine '%s' because the version does not "
		       "match the version expected by Hyper-V (Virtual machine ID %s); "
		       "error 0x80070032.",
		       component_table[component].event_name, facts->vm_name, facts->vm_id);
}

int judge_event(const struct release *release, const struct guest_facts *facts,
		enum component component, struct host_event *ret)
{
	struct verdict v;

	judge_component(release, facts, component, &v);
	if (v.result != RESULT_MISMATCH && v.result != RESULT_NO_COMMON)
		return 0;

	ret->source = component_table[component].event_source;
	if (v.result == RESULT_MISMATCH)
		event_mismatch(release, facts, component, ret);
	else
		event_no_common(facts, component, ret);
	ret->certainty = certainty_weaker(ret->certainty, v.certainty);
	return 1;
}

/*
 * Msvm_SummaryInformation: for these values of Heartbeat the application's health does not count.
 * Everything that is not here, Degraded among it, is Unknown (the cmdlet's own mapping).
 */
static const struct {
	uint16_t heartbeat;
	const char *value;
} heartbeat_values[] = {
	{ WMI_ERROR, "Error" },
	{ WMI_NO_CONTACT, "NoContact" },
	{ WMI_LOST, "LostCommunication" },
	{ WMI_PAUSED, "Paused" },
	{ WMI_DISABLED, "Disabled" },
};

const char *judge_heartbeat_value(uint16_t heartbeat, uint16_t application_health)
{
	if (heartbeat == WMI_OK)
		return application_health == WMI_OK                   ? "OkApplicationsHealthy" :
		       application_health == WMI_APPLICATION_CRITICAL ? "OkApplicationsCritical" :
									"OkApplicationsUnknown";
	for (size_t i = 0; i < ARRAY_LEN(heartbeat_values); i++)
		if (heartbeat_values[i].heartbeat == heartbeat)
			return heartbeat_values[i].value;
	return "Unknown";
}

struct judged_value judge_heartbeat(const struct release *release, const struct guest_facts *facts)
{
	static const struct {
		uint16_t health;
		enum certainty certainty;
	} states[] = {
		{ 0, CERTAIN }, { WMI_OK, INFERRED }, { WMI_APPLICATION_CRITICAL, INFERRED },
		{ 0, UNKNOWN }, /* stopped, and what nobody has defined */
	};
	uint32_t state = facts->component[COMPONENT_HEARTBEAT].application_state;
	struct verdict v;

	judge_component(release, facts, COMPONENT_HEARTBEAT, &v);
	if (v.n_status == 0)
		return (struct judged_value){ "", v.certainty };
	if (v.result == RESULT_DISABLED)
		return (struct judged_value){ judge_heartbeat_value(WMI_DISABLED, 0), CERTAIN };

	if (v.status[0] != WMI_OK)
		return (struct judged_value){ judge_heartbeat_value(v.status[0], 0), v.certainty };
	if (state >= ARRAY_LEN(states))
		state = ARRAY_LEN(states) - 1;
	return (struct judged_value){ judge_heartbeat_value(WMI_OK, states[state].health),
				      certainty_weaker(v.certainty, states[state].certainty) };
}

/*
 * IntegrationServicesVersionState is UpToDate or Mismatch; how a host computes it is unknown. One
 * report has "Update required" from 2012 R2 beside a single mismatch, which is the rule taken here.
 */
struct judged_value judge_integration_state(const struct release *release,
					    const struct guest_facts *facts)
{
	const char *value = "";

	for (enum component c = 0; c < COMPONENT_MAX; c++) {
		struct verdict v;

		judge_component(release, facts, c, &v);
		if (v.result == RESULT_OFF)
			return (struct judged_value){ "", CERTAIN };
		if (v.result == RESULT_MISMATCH || v.result == RESULT_NO_COMMON)
			return (struct judged_value){ "Update required", UNKNOWN };
		if (v.result == RESULT_OK)
			value = "Up to date";
	}
	return (struct judged_value){ value, UNKNOWN };
}

const char *judge_integration_version(const struct guest_facts *facts)
{
	for (unsigned i = 0; i < facts->n_intrinsic; i++)
		if (strcmp(facts->intrinsic[i].key, "IntegrationServicesVersion") == 0)
			return facts->intrinsic[i].value;
	return "";
}
