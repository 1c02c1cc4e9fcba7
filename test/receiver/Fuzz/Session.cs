using System.Globalization;
using System.Text;

namespace Brokkr.Receiver.Tests.Fuzz;

/// <summary>One of the requests of a session.</summary>
/// <param name="Start">Its first byte among those of the session.</param>
/// <param name="Changes">What was done to it.</param>
/// <param name="Intent">What it is then, by its making.</param>
internal sealed record Case(int Start, string Changes, Verdict Intent);

/// <summary>
/// What one connection says: requests that are whole, one after the other without waiting, and perhaps one that is not. All of it follows from a seed
/// and the number of the session.
/// </summary>
internal sealed class Session
{
    /// <summary>The largest body that is accepted, in bytes.</summary>
    public const int BodyLimit = 16 * 1024;

    private readonly Dice _dice;
    private readonly MemoryStream _bytes = new();

    private Session(ulong seed, int number, string path)
    {
        _dice = new Dice(Dice.SeedOf(seed, number));
        Number = number;
        Path = path;
    }

    public int Number { get; }

    /// <summary>The path at which its events are stored.</summary>
    public string Path { get; }

    /// <summary>The requests that are whole.</summary>
    public List<Case> Whole { get; } = [];

    /// <summary>The last one, which need not be.</summary>
    public Case? Last { get; private set; }

    /// <summary>The sizes of the pieces in which it is sent, again and again.</summary>
    public int[] Pieces { get; private set; } = [];

    public ReadOnlyMemory<byte> Bytes => _bytes.GetBuffer().AsMemory(0, (int)_bytes.Length);

    public int Count => Whole.Count + (Last is null ? 0 : 1);

    /// <summary>Makes a session.</summary>
    public static Session Make(ulong seed, int number, string path)
    {
        var session = new Session(seed, number, path);
        session.Fill();
        return session;
    }

    private void Fill()
    {
        for (var i = _dice.OneIn(3) ? _dice.Between(0, 4) : _dice.Between(10, 50); i > 0; i--)
        {
            Whole.Add(
                _dice.Below(10) switch
                {
                    < 5 => Binary(),
                    < 9 => Structured(),
                    _ => Batch(),
                }
            );
        }

        if (!_dice.OneIn(5) || Whole.Count == 0)
        {
            Last = Wire();
        }

        Pieces =
            _dice.OneIn(60) && _bytes.Length < 3000 ? [1]
            : _dice.OneIn(20) ? [_dice.Between(1, 200), _dice.Between(200, 2000), _dice.Between(1, 20)]
            : [(int)_bytes.Length];
    }

    private Case Binary()
    {
        var start = (int)_bytes.Length;
        var plan = Draft.Binary(_dice, Path);
        var change = _dice.Pick(BinaryChanges.All);
        change.Apply(_dice, plan);
        var name = change.Name;
        if (_dice.OneIn(3))
        {
            var more = _dice.Pick(BinaryChanges.Harmless);
            more.Apply(_dice, plan);
            name += ", " + more.Name;
        }

        plan.Write(_dice, _bytes);
        return new Case(start, "binary: " + name, change.Makes);
    }

    private Case Structured()
    {
        var start = (int)_bytes.Length;
        var change = _dice.Pick(JsonChanges.All);
        Post(
            _dice.Pick("application/cloudevents+json", "application/cloudevents+json; charset=utf-8", "Application/CloudEvents+JSON"),
            Json(change, Draft.Version(_dice))
        );
        return new Case(start, "structured: " + change.Name, change.Makes);
    }

    private Case Batch()
    {
        var start = (int)_bytes.Length;
        var changes = new StringBuilder("batch");
        var intent = Verdict.Valid;
        var isOpen = false;
        var body = new MemoryStream();
        var version = Draft.Version(_dice);
        body.WriteByte((byte)'[');
        for (int i = 0, count = _dice.Below(6); i < count; i++)
        {
            var change = _dice.OneIn(4) ? _dice.Pick(JsonChanges.All) : JsonChanges.All[0];
            var json = Json(change, version);

            // What stands before or after an event alone may be part of the array here.
            isOpen |= change.Body is not null;
            changes.Append(CultureInfo.InvariantCulture, $", {change.Name}");
            intent = change.Makes > intent ? change.Makes : intent;
            body.Write(i == 0 ? [] : ","u8);
            body.Write(json);
        }

        body.WriteByte((byte)']');
        var whole = _dice.OneIn(2) ? JsonChanges.Batches[0] : _dice.Pick(JsonChanges.Batches);
        var bytes = whole.Body?.Invoke(_dice, body.ToArray()) ?? body.ToArray();
        intent =
            isOpen || whole.Makes == Verdict.Open ? Verdict.Open
            : whole.Makes > intent ? whole.Makes
            : intent;
        Post("application/cloudevents-batch+json", bytes);
        return new Case(start, $"{changes}; {whole.Name}", bytes.Length > BodyLimit ? Verdict.Open : intent);
    }

    private Case Wire()
    {
        var start = (int)_bytes.Length;
        var change = _dice.Pick(WireChange.All);
        var plan = Draft.Binary(_dice, Path);
        if (_dice.OneIn(3))
        {
            plan = new Plan
            {
                Target = Path,
                Body = Json(JsonChanges.All[0], "1.0"),
                IsChunked = _dice.OneIn(3),
            };
            plan.Lines.Add("Content-Type: application/cloudevents+json");
        }

        change.Apply?.Invoke(_dice, plan);
        var one = new MemoryStream();
        plan.Write(_dice, one);
        _bytes.Write(change.Bytes?.Invoke(_dice, one.ToArray()) ?? one.ToArray());
        if (_dice.OneIn(4))
        {
            // Enough to end whatever has begun.
            _bytes.Write(new byte[BodyLimit]);
        }

        return new Case(start, "wire: " + change.Name, Verdict.Open);
    }

    private byte[] Json(JsonChange change, string version)
    {
        var draft = JsonDraft.Make(_dice, version);
        change.Members?.Invoke(_dice, draft);
        var body = Encoding.UTF8.GetBytes(draft.Write(_dice));
        return change.Body?.Invoke(_dice, body) ?? body;
    }

    private void Post(string contentType, byte[] body)
    {
        var plan = new Plan
        {
            Target = Path,
            Body = body,
            IsChunked = _dice.OneIn(4),
        };
        plan.Lines.Add("Content-Type: " + contentType);
        if (_dice.OneIn(4))
        {
            // Headers beside a structured event do not count.
            plan.Attributes.Add((_dice.Pick("id", "specversion", "my-ext", "x"), _dice.Pick("", "9", "%00", "v")));
        }

        plan.Write(_dice, _bytes);
    }
}
