SELECT
  users.user_id,
  users.email,
  users.country,
  max(events.happened_at) AS last_seen_at
FROM app.users AS users
JOIN app.events AS events
  ON events.user_id = users.user_id
WHERE users.deleted_at IS NULL
  AND events.happened_at >= current_date - INTERVAL '30 days'
GROUP BY users.user_id, users.email, users.country
