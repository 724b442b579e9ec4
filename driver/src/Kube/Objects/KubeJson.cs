using System.Text.Json;
using System.Text.Json.Serialization;

namespace CsiThin.Driver.Kube.Objects;

/// <summary>Objects as the API server writes them: camel case, nothing where there is nothing, times in whole seconds of UTC.</summary>
internal static class KubeJson
{
    /// <summary>For reading and writing any object here.</summary>
    public static JsonSerializerOptions Options { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new KubeTimeConverter() },
    };

    /// <summary>The object as bytes of JSON.</summary>
    public static byte[] Write(object value) => JsonSerializer.SerializeToUtf8Bytes(value, value.GetType(), Options);

    /// <summary>The object as text, equal for equal objects.</summary>
    public static string Text(object? value) => JsonSerializer.Serialize(value, value?.GetType() ?? typeof(object), Options);
}
