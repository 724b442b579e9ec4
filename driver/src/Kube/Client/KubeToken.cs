namespace CsiThin.Driver.Kube.Client;

/// <summary>
/// The bearer token: a fixed one, or a file that kubelet writes anew long before the token in it expires.
/// <para>Concurrency: <c>_text</c> and <c>_readAt</c> are guarded by <c>_gate</c>.</para>
/// </summary>
internal sealed class KubeToken
{
    private static readonly TimeSpan AgeMax = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly string? _path;
    private readonly TimeProvider _time;
    private string? _text;
    private long _readAt;

    private KubeToken(string? path, string? text, TimeProvider time) => (_path, _text, _time) = (path, text, time);

    /// <summary>A token that stays.</summary>
    public static KubeToken Fixed(string text) => new(null, Checked(text, "the kubeconfig"), TimeProvider.System);

    /// <summary>The token in a file, read when it is needed.</summary>
    public static KubeToken InFile(string path, TimeProvider time) => new(path, null, time);

    /// <summary>
    /// The token, at most ten seconds behind the file. A file that cannot be read at the moment leaves the token as it was; one that never
    /// could is <see cref="KubeError.Unauthorized"/>.
    /// </summary>
    public string Current()
    {
        lock (_gate)
        {
            if (_path is not null && (_text is null || _time.GetElapsedTime(_readAt) >= AgeMax))
                Read();
            return _text!;
        }
    }

    /// <summary>Reads the file at once; true if it holds another token than before.</summary>
    public bool Renew()
    {
        lock (_gate)
        {
            var before = _text;
            if (_path is not null)
                Read();
            return _text != before;
        }
    }

    private void Read()
    {
        try
        {
            _text = Checked(File.ReadAllText(_path!), _path!);
            _readAt = _time.GetTimestamp();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            if (_text is null)
                throw new KubeException(KubeError.Unauthorized, $"cannot read the token file {_path}: {failure.Message}", failure);
        }
    }

    // What would break the header is refused here, where the message does not show it.
    private static string Checked(string text, string where)
    {
        var token = text.Trim();
        return token.Length > 0 && token.All(character => character is > ' ' and < (char)0x7F)
            ? token
            : throw new KubeException(
                KubeError.Unauthorized,
                token.Length == 0 ? $"the token in {where} is empty" : $"the token in {where} holds a character that no token has");
    }
}
