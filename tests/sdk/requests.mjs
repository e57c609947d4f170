// Drives Wix's own client against a sandbox and prints a line of JSON for each thing that it tried.
//
//   node requests.mjs http://127.0.0.1:PORT SEED     SEED: JSON with the ids and keys of the sandbox
//
// The client sends requests to one host only. Here `fetch` redirects them to the sandbox, and refuses any other host.

import assert from 'node:assert/strict';
import { ApiKeyStrategy, AppStrategy, createClient } from '@wix/sdk';
import * as urls from '@wix/auto_sdk_urls_site';
import * as siteProperties from '@wix/auto_sdk_business-tools_site-properties';
import { ListPublishedSiteUrlsResponse } from '@wix/auto_sdk_urls_site/schemas';

const [base, given] = process.argv.slice(2);
const seed = JSON.parse(given);
const WIX = 'https://www.wixapis.com';
const PLAN = `${WIX}/promote/marketing-plan-service/v1`;
const PUBLISHER = `${WIX}/social-publisher/v1`;

// --- requests to the sandbox

const real = globalThis.fetch;
const sent = [];

globalThis.fetch = async (input, init = {}) => {
  const request = new Request(input, init);
  const url = new URL(request.url);
  assert.equal(url.origin, WIX, `a request for ${url.origin} would leave the machine`);
  const headers = Object.fromEntries(request.headers);
  const body = request.body === null ? undefined : await request.text();
  const response = await real(base + url.pathname + url.search, { method: request.method, headers, body });
  sent.push({ method: request.method, path: url.pathname, query: url.search, headers, status: response.status });
  return response;
};

// --- the attempts

const results = [];

async function check(section, name, attempt) {
  const before = sent.length;
  let problem = null;
  try {
    await attempt();
  } catch (error) {
    problem = error.message || JSON.stringify(error.response ?? error);
  }
  const requests = sent.slice(before).map((one) => `${one.method} ${one.path} ${one.status}`);
  results.push({ section, name, ok: problem === null, problem, requests });
}

async function failure(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('was expected to fail');
}

const last = () => sent.at(-1);
const keyed = (key = seed.key, siteId = seed.site) => createClient({ auth: ApiKeyStrategy({ apiKey: key, siteId }), modules: { urls, siteProperties } });
const app = (changes = {}) => createClient({
  auth: AppStrategy({ appId: seed.app, appSecret: seed.secret, instanceId: seed.instance, ...changes }),
  modules: { urls, siteProperties },
});

function calls(client) {
  return async (method, url, body, status = 200) => {
    const options = { method };
    if (body !== undefined) Object.assign(options, { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } });
    const response = await client.fetchWithAuth(url, options);
    const text = await response.text();
    assert.equal(response.status, status, `${method} ${url}: ${response.status} ${text}`);
    assert.ok(response.headers.get('x-wix-request-id'), 'no request id');
    return JSON.parse(text); // the client parses every successful response as JSON: an empty body would be an error
  };
}

const code = (answer) => answer.details.applicationError.code;
const field = (answer) => answer.details.validationError.fieldViolations[0].field;

// --- 2: identities

await check('2.1', 'a key reads the addresses of its site', async () => {
  const answer = await keyed().urls.listPublishedSiteUrls();
  assert.equal(answer.urls.length, 1);
  assert.equal(last().headers.authorization, seed.key);
  assert.equal(last().headers['wix-site-id'], seed.site);
});
await check('2.1', 'a wrong key is 401', async () => {
  const error = await failure(keyed('no-such-key').urls.listPublishedSiteUrls());
  assert.equal(last().status, 401);
  assert.match(JSON.stringify(error.details ?? error.response?.data), /UNAUTHENTICATED/);
});
await check('2.1', 'a key without the permission is 403', async () => {
  await failure(keyed(seed.narrowKey).urls.listPublishedSiteUrls());
  assert.equal(last().status, 403);
});
await check('2.2', 'an app gets a token once and uses it bare', async () => {
  const client = app();
  await client.urls.listPublishedSiteUrls();
  await client.siteProperties.getSiteProperties();
  const tokens = sent.filter((one) => one.path === '/oauth2/token');
  assert.equal(tokens.length, 1);
  assert.equal(last().status, 200);
  assert.equal(last().headers['wix-site-id'], undefined);
  assert.ok(!last().headers.authorization.startsWith('Bearer'));
});
await check('2.2', 'a wrong secret gets no token', async () => {
  const error = await failure(app({ appSecret: 'wrong' }).auth.getAuthHeaders());
  assert.match(error.message, /401, request id: sandbox\./);
});
await check('2.2', 'a token says whose it is, to the client itself', async () => {
  const { headers } = await app().auth.getAuthHeaders();
  const holder = AppStrategy({ appId: seed.app, appSecret: seed.secret, accessToken: headers.Authorization });
  const info = await holder.getTokenInfo();
  assert.deepEqual([info.active, info.subjectType, info.clientId, info.instanceId, info.siteId], [true, 'APP', seed.app, seed.instance, seed.site]);
  assert.equal(info.exp - info.iat, 14400);
});
await check('2.2', 'elevation by a token works', async () => {
  const { headers } = await app().auth.getAuthHeaders();
  const elevated = await AppStrategy({ appId: seed.app, appSecret: seed.secret, accessToken: headers.Authorization }).elevated();
  assert.ok((await elevated.getAuthHeaders()).headers.Authorization);
});

// --- 11: the platform

await check('11.1', 'the answer fits the schema of the package', async () => {
  const answer = await keyed().urls.listPublishedSiteUrls({ filters: { primary: true, urlType: 'ALL' } });
  ListPublishedSiteUrlsResponse.parse(answer);
  assert.match(last().query, /filters\.primary=true/);
});
await check('11.1', 'an unpublished site has no addresses', async () => {
  const answer = await keyed(seed.key, seed.unpublished).urls.listPublishedSiteUrls();
  assert.deepEqual(answer.urls, []);
});
await check('11.3', 'site properties, all and by a mask', async () => {
  const all = await keyed().siteProperties.getSiteProperties();
  assert.ok(all.properties.timeZone && all.properties.language && all.properties.paymentCurrency);
  const some = await keyed().siteProperties.getSiteProperties({ fields: ['timeZone', 'language'] });
  assert.match(last().query, /fields=timeZone%2Clanguage/);
  assert.deepEqual(Object.keys(some.properties).sort(), ['language', 'timeZone']);
  assert.ok(some.version);
});
await check('11.3', 'the time zone by updateBusinessRegion', async () => {
  await keyed().siteProperties.updateBusinessRegion({ timeZone: 'Asia/Tokyo' }, { fields: ['timeZone'] });
  assert.equal((await keyed().siteProperties.getSiteProperties()).properties.timeZone, 'Asia/Tokyo');
});
await check('11.2', 'sites by account', async () => {
  const client = createClient({ auth: ApiKeyStrategy({ apiKey: seed.key, accountId: seed.account }) });
  const call = calls(client);
  const both = { filter: { namespace: { $in: ['WIX', 'HEADLESS'] } } };
  assert.equal((await call('POST', `${WIX}/site-list/v2/sites/query`, { query: { ...both, cursorPaging: { limit: 1 } } })).metadata.hasNext, true);
  assert.equal((await call('POST', `${WIX}/site-list/v2/sites/count`, both)).count, 2);
});

// --- 1 and 3: what every response has

await check('1', 'what a write answered is sent back with what follows', async () => {
  const client = keyed();
  const call = calls(client);
  await call('POST', `${PLAN}/events`, { calendarEvent: { name: 'Consistency', date: '2026-12-09T00:00:00Z' } });
  await call('GET', `${PLAN}/marketing-settings`);
  assert.ok(last().headers['x-wix-consistent'], 'nothing was sent back');
  await call('GET', `${PLAN}/marketing-settings`);
});
await check('3.1', 'an unknown route is an error the client can read', async () => {
  const error = await failure(keyed().urls.bulkListPublishedSiteUrls([seed.site]));
  assert.equal(last().status, 404);
  assert.ok(error);
});

// --- 6 to 10, through fetchWithAuth

const call = calls(keyed());
const settings = `${PLAN}/marketing-settings`;

await check('9.1', 'settings that were never saved hold what is derived', async () => {
  const answer = await call('GET', settings);
  assert.ok(answer.marketingSettings.settings.language);
  assert.equal(answer.marketingSettings.id, undefined);
});
await check('9.4', 'settings by a comma text, an array refused, a missing path refused, null clears', async () => {
  const marketingSettings = { settings: { toneOfVoice: 'warm', topics: { included: ['mugs'] } }, overrides: { socialMarketing: { frequency: { interval: 'WEEK', count: 3 } } } };
  const fieldMask = 'settings.toneOfVoice,settings.topics,overrides.socialMarketing.frequency';
  await call('POST', settings, { marketingSettings, fieldMask });
  const saved = (await call('GET', settings)).marketingSettings;
  assert.equal(saved.id, seed.site);
  assert.deepEqual(saved.settings.topics, { included: ['mugs'] });
  const array = await call('POST', settings, { marketingSettings, fieldMask: ['settings.toneOfVoice'] }, 400);
  assert.equal(array.message, 'Failed to parse request message');
  assert.equal(code(await call('POST', settings, { marketingSettings, fieldMask: 'settings.pointOfView' }, 428)), 'INVALID_FIELD_MASK_ERROR');
  await call('POST', settings, { marketingSettings: { settings: { toneOfVoice: null } }, fieldMask: 'settings.toneOfVoice' });
  assert.equal((await call('GET', settings)).marketingSettings.settings.toneOfVoice, undefined);
});
await check('9.2', 'defaults and options', async () => {
  await call('GET', `${settings}/defaults?fieldMask=frequency%2Ccalendar`);
  await call('GET', `${settings}/defaults?fieldMask=topics`, undefined, 400);
  for (const name of ['plan-goal-options', 'point-of-view-options', 'calendar-options']) {
    assert.ok((await call('GET', `${settings}/${name}`)).options.length > 0);
  }
});
await check('8', 'an event is made, replaced, found, deleted', async () => {
  const made = (await call('POST', `${PLAN}/events`, { calendarEvent: { name: 'Sale', date: new Date('2026-12-18').toISOString() } })).calendarEvent;
  await call('PUT', `${PLAN}/events/${made.id}`, { event: { name: 'Sale', recurringRule: { frequency: 'MONTHLY' } } });
  const date = { $gte: '2026-12-01T00:00:00Z', $lte: '2026-12-31T23:59:59Z' };
  const found = await call('POST', `${PLAN}/events/query`, { query: { filter: { date } } });
  assert.ok(found.calendarEvents.some((one) => one.id === made.id && one.recurringRule));
  assert.ok(field(await call('POST', `${PLAN}/events/query`, { query: {} }, 400)));
  await call('DELETE', `${PLAN}/events/${made.id}`);
  await call('DELETE', `${PLAN}/events/${made.id}`, undefined, 428);
  await call('POST', `${PLAN}/events`, { calendarEvent: { name: 'never' } }, 400);
  await call('POST', `${PLAN}/events`, { calendarEvent: { name: 'never', recurringRule: {} } }, 428);
});

let plan;
await check('6', 'a plan is generated, refuses a second generation meanwhile, and is read', async () => {
  assert.equal((await call('GET', `${PLAN}/marketing-plan`)).status, 'NEVER_CREATED');
  assert.deepEqual(await call('POST', `${PLAN}/marketing-plan/generate-marketing-plan`, {}), { status: 'GENERATING' });
  assert.equal(code(await call('POST', `${PLAN}/marketing-plan/regenerate-marketing-plan`, {}, 428)), 'PLAN_ALREADY_GENERATING_ERROR');
  await real(`${base}/_sandbox/clock`, { method: 'POST', body: '{"advance": 5}', headers: { 'Content-Type': 'application/json' } });
  const window = new URLSearchParams({ 'timeframe.startDate': '2026-12-01T00:00:00.000Z', 'timeframe.endDate': '2027-01-31T23:59:59.999Z' });
  plan = await call('GET', `${PLAN}/marketing-plan?${window}`);
  assert.equal(plan.status, 'ACTIVE');
  assert.ok(plan.marketingActivities[0].marketingActivityId && plan.marketingActivities[0].date);
});
await check('6', 'posts are made, read, made again, cleared', async () => {
  const bare = plan.marketingActivities.find((one) => !one.items && one.marketingActivityType !== 'BLOG');
  const ids = { marketingActivityIds: [bare.marketingActivityId] };
  assert.deepEqual(await call('POST', `${PLAN}/marketing-plan/generate-social-posts`, ids), {});
  await real(`${base}/_sandbox/clock`, { method: 'POST', body: '{"advance": 5}', headers: { 'Content-Type': 'application/json' } });
  const [made] = (await call('POST', `${PLAN}/marketing-activity-posts`, ids)).marketingActivities;
  assert.equal(made.items.filter((one) => one.type === 'POST').length, 7);
  const one = { marketingActivityId: bare.marketingActivityId };
  await call('POST', `${PLAN}/marketing-plan/regenerate-marketing-activity-posts`, one);
  await call('POST', `${PLAN}/marketing-plan/regenerate-marketing-activity-posts-media`, one);
  assert.deepEqual(await call('PATCH', `${PLAN}/marketing-plan/clear-marketing-activity-posts`, one), {});
  await call('POST', `${PLAN}/marketing-plan/generate-social-posts`, { marketingActivityIds: [] }, 400);
});
await check('7', 'an activity is made, changed, read, deleted', async () => {
  const wish = { title: 'Open studio', description: 'Come by', targetDate: '2026-12-10T15:00:00Z', marketingActivityType: 'SOCIAL_MARKETING' };
  const { marketingActivity: made } = await call('POST', `${PLAN}/items`, { marketingActivity: wish });
  await call('POST', `${PLAN}/items`, { marketingActivity: { title: 'no date' } }, 428);
  await call('PATCH', `${PLAN}/items/${made.id}`, { marketingActivity: { id: made.id, title: 'Open house' }, fieldMask: 'title' });
  await call('PATCH', `${PLAN}/items/${made.id}`, { marketingActivity: { id: made.id, marketingActivityType: 'BLOG' }, fieldMask: 'marketingActivityType' }, 400);
  assert.equal((await call('GET', `${PLAN}/marketing-activity?marketingActivityId=${made.id}`)).marketingActivity.title, 'Open house');
  await call('DELETE', `${PLAN}/marketing-plan/plan-marketing-activity?id=${made.id}`);
});
await check('6', 'drafts are scheduled, those of unconnected channels passed over in silence', async () => {
  const items = plan.marketingActivities.flatMap((one) => one.items ?? []).slice(0, 9);
  const { items: scheduled } = await call('POST', `${PLAN}/marketing-plan/schedule-drafts`, { draftIds: items.map((one) => one.id) });
  assert.ok(scheduled.length > 0 && scheduled.length < items.length);
  assert.ok(scheduled.every((one) => one.status === 'SCHEDULED'));
});
await check('10', 'a post is drafted, changed, scheduled, moved, cancelled, deleted', async () => {
  const item = { channel: { name: 'INSTAGRAM' }, type: 'POST', instagramPost: { caption: 'Hello', imageUrl: 'https://static.wixstatic.com/media/a~mv2.jpg' } };
  const { item: made } = await call('POST', `${PUBLISHER}/items`, { item });
  const changed = await call('PATCH', `${PUBLISHER}/items/${made.id}`, { item: { id: made.id, instagramPost: { caption: 'Hi' } } });
  assert.equal(changed.item.instagramPost.caption, 'Hi');
  await call('POST', `${PUBLISHER}/publish-by-id`, { id: made.id, scheduledDate: '2026-12-05T09:00:00Z' });
  await call('POST', `${PUBLISHER}/items/${made.id}/reschedule`, { scheduledDate: '2026-12-06T09:00:00Z' });
  await call('POST', `${PUBLISHER}/publish-by-id`, { id: made.id, scheduledDate: '2020-01-01T00:00:00Z' }, 400);
  const found = await call('POST', `${PUBLISHER}/items/query`, { query: { filter: { status: 'SCHEDULED' }, paging: { limit: 1, offset: 0 } } });
  assert.equal(found.items.length, 1);
  assert.equal((await call('PATCH', `${PUBLISHER}/items/${made.id}/cancel`, {})).item.status, 'CANCELED');
  await call('PATCH', `${PUBLISHER}/items/${made.id}/cancel`, {}, 428);
  assert.deepEqual(await call('DELETE', `${PUBLISHER}/items/${made.id}`), {});
  assert.equal(code(await call('DELETE', `${PUBLISHER}/items/${made.id}`, undefined, 428)), 'ITEM_IS_DELETED');
  await call('POST', `${PUBLISHER}/items`, { item: { ...item, instagramPost: { caption: 'bare' } } }, 400);
});
await check('10', 'accounts, token status, features, generated text', async () => {
  const { accounts } = await call('GET', `${PUBLISHER}/accounts?channelName=INSTAGRAM&channelName=FACEBOOK`);
  assert.deepEqual(accounts.map((one) => one.channelName), ['INSTAGRAM', 'FACEBOOK']);
  assert.equal(code(await call('GET', `${PUBLISHER}/accounts?channelName=GBP`, undefined, 400)), 'USER_NOT_EXIST_FOR_CHANNEL');
  assert.equal((await call('GET', `${PUBLISHER}/GBP/long-lived-token-status`)).status, 'NEVER_CREATED');
  const { features } = await call('GET', `${PUBLISHER}/features?featureTypes=PUBLISH_POST&featureTypes=SCHEDULE_POST`);
  assert.equal(features.length, 2);
  assert.ok((await call('POST', `${PUBLISHER}/generate-text`, { userInput: 'mugs' })).results[0].caption);
  assert.equal((await call('POST', `${PUBLISHER}/generate-post-data`, { userInput: 'mugs' })).results.length, 6);
});
await check('6', 'the plan is deleted', async () => {
  assert.deepEqual(await call('DELETE', `${PLAN}/marketing-plan`), {});
  assert.equal((await call('GET', `${PLAN}/marketing-plan`)).status, 'NEVER_CREATED');
});

for (const result of results) console.log(JSON.stringify(result));
console.log(JSON.stringify({ sent: sent.length }));
