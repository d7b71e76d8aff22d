"""Who may reach the rows, and the notifications by which ingest processes forget what changed."""

from django.db import migrations

from beffroi.foundation.database.migrations_ops import TerritoryTable

# The payload is the territory: notifications that are equal within a transaction go out once, so
# that importing thousands of devices costs one. Columns that the ingest path itself writes
# (last_seen_at, battery, radio) are left out: they change with every message.
NOTIFICATIONS = """
CREATE FUNCTION ingest_devices_changed() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
    PERFORM pg_notify('beffroi_devices', coalesce(NEW.territory_id, OLD.territory_id)::text);
    RETURN NULL;
END
$function$;

CREATE TRIGGER ingest_device_changed
    AFTER INSERT OR DELETE
    OR UPDATE OF identifier, source_id, model_ref_id, codec_key, mapping, removed_at
    ON assets_device
    FOR EACH ROW EXECUTE FUNCTION ingest_devices_changed();
CREATE TRIGGER ingest_model_changed
    AFTER DELETE OR UPDATE OF codec_key, mapping, removed_at ON codecs_model
    FOR EACH ROW EXECUTE FUNCTION ingest_devices_changed();
CREATE TRIGGER ingest_script_changed
    AFTER DELETE OR UPDATE OF source, sha256, removed_at ON codecs_script
    FOR EACH ROW EXECUTE FUNCTION ingest_devices_changed();
CREATE TRIGGER ingest_script_held
    AFTER UPDATE OF held_until ON codecs_trouble
    FOR EACH ROW WHEN (OLD.held_until IS DISTINCT FROM NEW.held_until)
    EXECUTE FUNCTION ingest_devices_changed();
CREATE TRIGGER ingest_script_held_first
    AFTER INSERT ON codecs_trouble
    FOR EACH ROW WHEN (NEW.held_until IS NOT NULL)
    EXECUTE FUNCTION ingest_devices_changed();
CREATE TRIGGER ingest_attachment_changed
    AFTER INSERT OR UPDATE OR DELETE ON assets_attachment
    FOR EACH ROW EXECUTE FUNCTION ingest_devices_changed();
CREATE TRIGGER ingest_asset_changed
    AFTER UPDATE OF type_key, domain_key, area_id, removed_at ON assets_asset
    FOR EACH ROW
    WHEN ((OLD.type_key, OLD.domain_key, OLD.area_id, OLD.removed_at)
          IS DISTINCT FROM (NEW.type_key, NEW.domain_key, NEW.area_id, NEW.removed_at))
    EXECUTE FUNCTION ingest_devices_changed();

-- The library is every town's: its name is nobody's number, and all devices are forgotten.
CREATE FUNCTION ingest_library_changed() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
    PERFORM pg_notify('beffroi_devices', '');
    RETURN NULL;
END
$function$;

CREATE TRIGGER ingest_library_changed
    AFTER UPDATE OR DELETE ON codecs_library_codec
    FOR EACH STATEMENT EXECUTE FUNCTION ingest_library_changed();

CREATE FUNCTION ingest_source_changed() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
    PERFORM pg_notify('beffroi_sources', OLD.key);
    RETURN NULL;
END
$function$;

CREATE TRIGGER ingest_source_changed
    AFTER DELETE OR UPDATE OF key, connector_key, authentication, secret_hash,
        former_secret_hash, former_secret_until, sealed_key, settings, default_codec, enabled
    ON ingest_source
    FOR EACH ROW EXECUTE FUNCTION ingest_source_changed();
"""

SILENCE = """
DROP TRIGGER ingest_source_changed ON ingest_source;
DROP TRIGGER ingest_asset_changed ON assets_asset;
DROP TRIGGER ingest_attachment_changed ON assets_attachment;
DROP TRIGGER ingest_device_changed ON assets_device;
DROP TRIGGER ingest_script_held_first ON codecs_trouble;
DROP TRIGGER ingest_script_held ON codecs_trouble;
DROP TRIGGER ingest_script_changed ON codecs_script;
DROP TRIGGER ingest_model_changed ON codecs_model;
DROP TRIGGER ingest_library_changed ON codecs_library_codec;
DROP FUNCTION ingest_library_changed();
DROP FUNCTION ingest_source_changed();
DROP FUNCTION ingest_devices_changed();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("ingest", "0001_initial"),
        ("codecs", "0002_town"),
        ("assets", "0003_register"),
        ("series", "0002_storage"),
    ]

    operations = [
        # A process that is shown a key reads its source, before it knows the territory.
        TerritoryTable(
            "ingest_source", extra_using="key = NULLIF(current_setting('beffroi.source', true), '')"
        ),
        TerritoryTable("ingest_message"),
        TerritoryTable("ingest_error"),
        TerritoryTable("ingest_unclaimed"),
        TerritoryTable("ingest_activity"),
        migrations.RunSQL(NOTIFICATIONS, SILENCE),
    ]
