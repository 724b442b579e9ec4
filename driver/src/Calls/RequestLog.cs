using System.Buffers;
using System.Collections;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Csi.V1;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace CsiThin.Driver.Calls;

/// <summary>
/// Renders messages for logs: one line of JSON with the fields that are set. Fields that the specification marks as secret show only that
/// they are there, at any depth. What a client chose cannot forge log lines (control characters are escaped) nor flood them (long texts are
/// cut).
/// </summary>
internal static class RequestLog
{
    /// <summary>What stands for a secret; sidecars log the same word.</summary>
    public const string Stripped = "***stripped***";

    private const int MaxTextLength = 256;
    private const int MaxItems = 64;

    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The message as one line.</summary>
    public static string Render(IMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            WriteMessage(json, message);
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void WriteMessage(Utf8JsonWriter json, IMessage message)
    {
        json.WriteStartObject();
        foreach (var field in message.Descriptor.Fields.InFieldNumberOrder().Where(f => IsSet(f, message)))
        {
            json.WritePropertyName(field.Name);
            if (IsSecret(field))
            {
                json.WriteStringValue(Stripped);
            }
            else
            {
                WriteField(json, field, field.Accessor.GetValue(message));
            }
        }

        json.WriteEndObject();
    }

    private static bool IsSecret(FieldDescriptor field) => field.GetOptions()?.GetExtension(CsiExtensions.CsiSecret) ?? false;

    private static bool IsSet(FieldDescriptor field, IMessage message) => field switch
    {
        { IsRepeated: true } or { IsMap: true } => ((ICollection)field.Accessor.GetValue(message)).Count > 0,
        { HasPresence: true } => field.Accessor.HasValue(message),
        _ => field.Accessor.GetValue(message) switch
        {
            string text => text.Length > 0,
            ByteString bytes => bytes.Length > 0,
            Enum number => Convert.ToInt32(number, CultureInfo.InvariantCulture) != 0,
            var number => !number.Equals(Activator.CreateInstance(number.GetType())),
        },
    };

    private static void WriteField(Utf8JsonWriter json, FieldDescriptor field, object value)
    {
        if (field.IsMap)
        {
            WriteMap(json, field.MessageType.FindFieldByNumber(2), (IDictionary)value);
        }
        else if (field.IsRepeated)
        {
            WriteList(json, field, (IList)value);
        }
        else
        {
            WriteValue(json, field, value);
        }
    }

    private static void WriteMap(Utf8JsonWriter json, FieldDescriptor valueField, IDictionary map)
    {
        json.WriteStartObject();
        foreach (var key in map.Keys.Cast<object>().Take(MaxItems))
        {
            json.WritePropertyName(Shorten(Convert.ToString(key, CultureInfo.InvariantCulture)!));
            WriteValue(json, valueField, map[key]!);
        }

        if (map.Count > MaxItems)
        {
            json.WriteString("...", $"{map.Count - MaxItems} more");
        }

        json.WriteEndObject();
    }

    private static void WriteList(Utf8JsonWriter json, FieldDescriptor field, IList list)
    {
        json.WriteStartArray();
        foreach (var item in list.Cast<object>().Take(MaxItems))
        {
            WriteValue(json, field, item);
        }

        if (list.Count > MaxItems)
        {
            json.WriteStringValue($"... {list.Count - MaxItems} more");
        }

        json.WriteEndArray();
    }

    private static void WriteValue(Utf8JsonWriter json, FieldDescriptor field, object value)
    {
        switch (value)
        {
            case IMessage message:
                WriteMessage(json, message);
                break;
            case bool flag:
                json.WriteBooleanValue(flag);
                break;
            case string text:
                json.WriteStringValue(Shorten(text));
                break;
            case ByteString bytes:
                json.WriteStringValue($"{bytes.Length} bytes");
                break;
            case Enum number:
                var name = field.EnumType.FindValueByNumber(Convert.ToInt32(number, CultureInfo.InvariantCulture))?.Name;
                json.WriteStringValue(name ?? number.ToString("D"));
                break;
            default:
                json.WriteRawValue(Number(value));
                break;
        }
    }

    // Infinity and NaN are numbers to protobuf but not to JSON.
    private static string Number(object value)
    {
        var text = Convert.ToString(value, CultureInfo.InvariantCulture)!;
        return value is IConvertible number && double.IsFinite(number.ToDouble(CultureInfo.InvariantCulture)) ? text : $"\"{text}\"";
    }

    private static string Shorten(string text) =>
        text.Length <= MaxTextLength ? text : $"{text[..MaxTextLength]}... ({text.Length} characters)";
}
