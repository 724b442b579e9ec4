using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace CsiThin.Driver.Kube.Objects;

/// <summary>
/// meta/v1 Time: RFC 3339 in UTC and whole seconds, as the API server itself writes it, so that what is read back is equal.
/// </summary>
internal sealed class KubeTimeConverter : JsonConverter<DateTimeOffset>
{
    /// <inheritdoc/>
    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.GetDateTimeOffset();

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
}
