using System.Buffers;
using System.Text;

namespace Grpc.Core;

public sealed partial class Metadata
{
    // The characters that the gRPC specification allows in a key.
    private static readonly SearchValues<char> KeyCharacters = SearchValues.Create("0123456789abcdefghijklmnopqrstuvwxyz_-.");

    /// <summary>One key and its value: text in printable ASCII, or any bytes where the key ends in <c>-bin</c>.</summary>
    public sealed class Entry
    {
        private readonly string? _text;
        private readonly byte[]? _bytes;

        /// <summary>
        /// Text. Throws <see cref="ArgumentException"/> for a malformed key, a <c>-bin</c> key, or text that is no printable ASCII.
        /// </summary>
        public Entry(string key, string value)
        {
            ArgumentNullException.ThrowIfNull(value);
            Key = NormalizeKey(key);
            if (IsBinary)
            {
                throw new ArgumentException($"the metadata key '{Key}' ends in -bin: its value must be bytes", nameof(key));
            }

            if (!IsValidText(value))
            {
                throw new ArgumentException($"the value of the metadata key '{Key}' has characters outside printable ASCII", nameof(value));
            }

            _text = value;
        }

        /// <summary>
        /// Bytes, which are copied. Throws <see cref="ArgumentException"/> unless the key is well formed and ends in <c>-bin</c>.
        /// </summary>
        public Entry(string key, byte[] valueBytes)
        {
            ArgumentNullException.ThrowIfNull(valueBytes);
            Key = NormalizeKey(key);
            if (!IsBinary)
            {
                throw new ArgumentException($"the metadata key '{Key}' does not end in -bin: its value must be text", nameof(key));
            }

            _bytes = [.. valueBytes];
        }

        /// <summary>The key in lower case.</summary>
        public string Key { get; }

        public bool IsBinary => Key.EndsWith(BinaryHeaderSuffix, StringComparison.Ordinal);

        /// <summary>The text; throws <see cref="InvalidOperationException"/> where the value is bytes.</summary>
        public string Value => _text ?? throw new InvalidOperationException($"the metadata entry '{Key}' is bytes, not text");

        /// <summary>A copy of the bytes; for text, its ASCII bytes.</summary>
        public byte[] ValueBytes => _bytes is null ? Encoding.ASCII.GetBytes(_text!) : [.. _bytes];

        /// <summary>The key with its text, or with its number of bytes.</summary>
        public override string ToString() =>
            _bytes is null ? $"[Entry: key={Key}, value={_text}]" : $"[Entry: key={Key}, {_bytes.Length} bytes]";

        internal bool HasKey(string key) => Key.Equals(key, StringComparison.OrdinalIgnoreCase);

        internal static bool IsValidKey(string key) => key.Length > 0 && !key.ToLowerInvariant().AsSpan().ContainsAnyExcept(KeyCharacters);

        internal static bool IsValidText(string value) => !value.AsSpan().ContainsAnyExceptInRange(' ', '~');

        private static string NormalizeKey(string key)
        {
            ArgumentNullException.ThrowIfNull(key);
            if (!IsValidKey(key))
            {
                throw new ArgumentException($"'{key}' is no metadata key: only a-z, 0-9, '_', '-' and '.' may be used", nameof(key));
            }

            return key.ToLowerInvariant();
        }
    }
}
