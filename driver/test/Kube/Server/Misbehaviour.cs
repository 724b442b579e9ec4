namespace CsiThin.Driver.Tests.Kube.Server;

/// <summary>What the test API server does wrong, as the test wants it. May be changed at any moment.</summary>
internal sealed class Misbehaviour
{
    private volatile bool _isDown;
    private int _bookmarks;

    /// <summary>Every connection is cut, open watches too.</summary>
    public bool IsDown
    {
        get => _isDown;
        set
        {
            _isDown = value;
            Stir();
        }
    }

    /// <summary>Asked for each request; null: all is well.</summary>
    public Func<ApiRequest, ApiFault?> OnRequest { get; set; } = static _ => null;

    /// <summary>Asked for each change that a watch tells.</summary>
    public Func<ApiRequest, WatchFault> OnChange { get; set; } = static _ => WatchFault.None;

    /// <summary>An expired version is answered with code 410 rather than told in the watch.</summary>
    public bool ExpiresByCode { get; set; }

    /// <summary>Ends with the next stir.</summary>
    public TaskCompletionSource<bool> Stirred { get; private set; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Bookmarks that were told.</summary>
    public int Bookmarks => Volatile.Read(ref _bookmarks);

    public void CountBookmark() => Interlocked.Increment(ref _bookmarks);

    /// <summary>Lets every open watch look again and tell a bookmark.</summary>
    public void Stir()
    {
        var stirred = Stirred;
        Stirred = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        stirred.TrySetResult(true);
    }
}
