/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/release_json.h"

#include "tests/host/version.h"

static json_t *version_json(struct version v)
{
	char text[VERSION_TEXT_SIZE];

	return json_string(version_format(v, text));
}

json_t *release_to_json(const struct release *release)
{
	return json_pack("{s:s, s:s, s:o, s:s}", "key", release->key, "title", release->title,
			 "vmbus", version_json(release->vmbus),
			 "vmbus_certainty", certainty_name(release->vmbus_certainty));
}

json_t *release_expected_to_json(const struct release_offer *offer)
{
	if (!offer->offered)
		return json_null();
	return json_pack("{s:o, s:o, s:s, s:s, s:s}",
			 "framework", version_json(offer->expected.framework),
			 "message", version_json(offer->expected.message),
			 "certainty", certainty_name(offer->certainty),
			 "list_certainty", certainty_name(offer->list_certainty),
			 "source", offer->source);
}

json_t *release_list_to_json(const struct version_list *list)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < list->n; i++)
		if (json_array_append_new(array, version_json(list->v[i])) < 0) {
			json_decref(array);
			return NULL;
		}
	return array;
}

static json_t *offer_json(enum component c, const struct release_offer *offer)
{
	return json_pack("{s:s, s:s, s:b, s:o, s:o, s:o, s:s, s:s}",
			 "component", component_table[c].key, "name", component_table[c].name,
			 "offered", offer->offered,
			 "offered_framework", release_list_to_json(&offer->framework),
			 "offered_message", release_list_to_json(&offer->message),
			 "expected", release_expected_to_json(offer),
			 "certainty", certainty_name(offer->certainty), "source", offer->source);
}

json_t *release_row_to_json(const struct release *release)
{
	json_t *row = release_to_json(release), *components = json_array();

	for (enum component c = 0; c < COMPONENT_MAX; c++)
		if (json_array_append_new(components, offer_json(c, &release->component[c])) < 0)
			break;
	if (json_array_size(components) != COMPONENT_MAX ||
	    json_object_set_new(row, "mismatch_status",
				json_string(release->mismatch_degrades ? "Degraded" : "OK")) < 0 ||
	    json_object_set_new(row, "mismatch_certainty",
				json_string(certainty_name(release->mismatch_certainty))) < 0) {
		json_decref(components);
		json_decref(row);
		return NULL;
	}
	if (json_object_set_new(row, "components", components) < 0) {
		json_decref(row);
		return NULL;
	}
	return row;
}
