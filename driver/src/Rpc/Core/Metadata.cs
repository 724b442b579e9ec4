using System.Collections;

namespace Grpc.Core;

/// <summary>
/// Key and value pairs sent before a call's messages (headers) or after them (trailers). Keys are lower case and may repeat;
/// a key that ends in <c>-bin</c> has bytes for its value. Not thread-safe while it is being filled.
/// </summary>
public sealed partial class Metadata : IList<Metadata.Entry>
{
    /// <summary>The end of a key whose value is bytes.</summary>
    public const string BinaryHeaderSuffix = "-bin";

    /// <summary>No entries, and it stays so.</summary>
    public static readonly Metadata Empty = new Metadata().Freeze();

    private readonly List<Entry> _entries = [];

    public int Count => _entries.Count;

    /// <summary>True once a call took it over; changing it then throws <see cref="InvalidOperationException"/>.</summary>
    public bool IsReadOnly { get; private set; }

    /// <summary>The entry at a position, in sending order.</summary>
    public Entry this[int index]
    {
        get => _entries[index];
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            CheckWriteable();
            _entries[index] = value;
        }
    }

    /// <summary>The last entry with the key (any case), or null.</summary>
    public Entry? Get(string key) => _entries.FindLast(e => e.HasKey(key));

    /// <summary>The last text value under the key, or null; throws for a <c>-bin</c> key.</summary>
    public string? GetValue(string key) => Get(key)?.Value;

    /// <summary>The last bytes under a <c>-bin</c> key, or null; throws for a text key.</summary>
    public byte[]? GetValueBytes(string key)
    {
        var entry = Get(key);
        if (entry is { IsBinary: false })
        {
            throw new InvalidOperationException($"the metadata entry '{key}' is text, not bytes");
        }

        return entry?.ValueBytes;
    }

    /// <summary>Every entry with the key (any case), in sending order.</summary>
    public IEnumerable<Entry> GetAll(string key) => _entries.Where(e => e.HasKey(key));

    public void Add(Entry item)
    {
        ArgumentNullException.ThrowIfNull(item);
        CheckWriteable();
        _entries.Add(item);
    }

    /// <summary>Adds text; the key must not end in <c>-bin</c>.</summary>
    public void Add(string key, string value) => Add(new Entry(key, value));

    /// <summary>Adds bytes; the key must end in <c>-bin</c>.</summary>
    public void Add(string key, byte[] valueBytes) => Add(new Entry(key, valueBytes));

    public void Insert(int index, Entry item)
    {
        ArgumentNullException.ThrowIfNull(item);
        CheckWriteable();
        _entries.Insert(index, item);
    }

    public bool Remove(Entry item)
    {
        CheckWriteable();
        return _entries.Remove(item);
    }

    public void RemoveAt(int index)
    {
        CheckWriteable();
        _entries.RemoveAt(index);
    }

    public void Clear()
    {
        CheckWriteable();
        _entries.Clear();
    }

    public bool Contains(Entry item) => _entries.Contains(item);

    public int IndexOf(Entry item) => _entries.IndexOf(item);

    public void CopyTo(Entry[] array, int arrayIndex) => _entries.CopyTo(array, arrayIndex);

    public IEnumerator<Entry> GetEnumerator() => _entries.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Refuses changes from now on.</summary>
    internal Metadata Freeze()
    {
        IsReadOnly = true;
        return this;
    }

    private void CheckWriteable()
    {
        if (IsReadOnly)
        {
            throw new InvalidOperationException("this metadata is read-only: a call has taken it over");
        }
    }
}
